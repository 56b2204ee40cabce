//! Reads `faults:` of a case, and checks that its transport can have them.

use crate::config::suite::suite_keys::{
    CoapFaultKeys, FaultsKeys, HttpFaultKeys, OrderFaultKeys, StallKeys, UartFaultKeys,
};
use crate::config::suite::transport::Transport;
use crate::config::yaml::literal::InvalidValue;
use crate::config::yaml::reader::ValueReader;
use crate::config::yaml::scalar::Raw;
use crate::config::yaml::tree::KeyPlace;
use dfota_core::fault::{CoapFaults, Faults, HttpFaults, OrderFault, Stall, UartFault};
use dfota_core::transport::Via;

/// Reads the faults of one case.
pub struct FaultFile<'r, 'd> {
    pub reader: &'r mut ValueReader<'d>,
    pub transport: Transport,
}

impl FaultFile<'_, '_> {
    /// The faults of the case.
    pub fn faults(&mut self, keys: &FaultsKeys) -> Faults {
        let FaultsKeys {
            http,
            coap,
            uart,
            order,
        } = keys;
        self.needs(http.as_ref().map(|keys| keys.at), "faults need", &[Via::Http]);
        self.needs(coap.as_ref().map(|keys| keys.at), "faults need", &[Via::Coap]);
        self.needs(uart.as_ref().map(|keys| keys.at), "faults need", &[Via::Uart]);
        if let Some(order) = order {
            self.order_via(order.at, order);
        }
        Faults {
            http: http.as_ref().map(|keys| self.http(keys)).unwrap_or_default(),
            coap: coap.as_ref().map(|keys| self.coap(keys)).unwrap_or_default(),
            uart: uart.as_ref().and_then(|keys| self.uart(keys)),
            order: order.as_ref().and_then(|keys| self.order(keys)),
        }
    }

    /// Over UART there is no order that could be faulty; over CoAP it is no AT command, but the network can go all the same.
    fn order_via(&mut self, at: KeyPlace, keys: &OrderFaultKeys) {
        fn place<T>(raw: &Option<Raw<T>>) -> Option<KeyPlace> {
            raw.as_ref().map(|raw| raw.at)
        }
        let http_alone = [
            place(&keys.url_bytes),
            place(&keys.https),
            place(&keys.before_ip),
            place(&keys.again),
        ];
        if self.transport.via == Some(Via::Coap) {
            for key in http_alone {
                self.needs(key, "needs", &[Via::Http]);
            }
        } else if keys.detach.is_some() && http_alone.iter().all(Option::is_none) {
            self.needs(Some(at), "faults need", &[Via::Http, Via::Coap]);
        } else {
            self.needs(Some(at), "faults need", &[Via::Http]);
        }
    }

    /// Notes a key that is there although the case's transport is none of `vias`.
    fn needs(&mut self, key: Option<KeyPlace>, needs: &str, vias: &[Via]) {
        let Some((at, via)) = key.zip(self.transport.via.filter(|via| !vias.contains(via))) else {
            return;
        };
        let vias: Vec<String> = vias.iter().map(|via| format!("`via: {via}`")).collect();
        let why = InvalidValue::new(format!(
            "{needs} {}, and this case is via `{via}`",
            vias.join(" or ")
        ));
        let why = why.label(format!("not via `{via}`"));
        self.reader.key_mistake(at, why.because(self.transport.at));
    }

    fn http(&mut self, keys: &HttpFaultKeys) -> HttpFaults {
        let reader = &mut self.reader;
        let stall = |keys: &StallKeys| {
            let (at, lasts) = (reader.read(&keys.at), reader.read(&keys.lasts));
            Some(Stall {
                at: at?,
                lasts: lasts?,
            })
        };
        HttpFaults {
            stall: keys.stall.as_ref().and_then(stall),
            status: reader.option(&keys.status),
            refuse: reader.option(&keys.refuse).unwrap_or_default(),
            drop: reader.option(&keys.drop),
            throttle: reader.option(&keys.throttle),
            truncate: reader.option(&keys.truncate),
            corrupt: reader.option(&keys.corrupt),
            wrong_length: reader.option(&keys.wrong_length).unwrap_or_default(),
            ignore_range: reader.option(&keys.ignore_range).unwrap_or_default(),
        }
    }

    fn coap(&mut self, keys: &CoapFaultKeys) -> CoapFaults {
        let reader = &mut self.reader;
        CoapFaults {
            execute_early: reader.option(&keys.execute_early).unwrap_or_default(),
            drop_every: reader.option(&keys.drop_every),
            drop_share: reader.option(&keys.drop_share),
            duplicate_every: reader.option(&keys.duplicate_every),
            duplicate_share: reader.option(&keys.duplicate_share),
            delay: reader.option(&keys.delay),
            stop_at: reader.option(&keys.stop),
            not_found: reader.option(&keys.not_found).unwrap_or_default(),
            change_etag_at: reader.option(&keys.change_etag),
            max_block: reader.option(&keys.max_block),
        }
    }

    fn uart(&mut self, keys: &UartFaultKeys) -> Option<UartFault> {
        let reader = &mut self.reader;
        let faults = [
            reader.option(&keys.corrupt_block).map(UartFault::CorruptBlock),
            reader.option(&keys.short_block).map(UartFault::ShortBlock),
            reader.option(&keys.long_block).map(UartFault::LongBlock),
            reader.option(&keys.out_of_order).map(UartFault::OutOfOrder),
            reader.option(&keys.silence).map(UartFault::Silence),
            reader.option(&keys.damage).map(UartFault::Damage),
            reader.option(&keys.nothing).map(|()| UartFault::Nothing),
        ];
        faults.into_iter().flatten().next()
    }

    fn order(&mut self, keys: &OrderFaultKeys) -> Option<OrderFault> {
        let reader = &mut self.reader;
        let faults = [
            reader.option(&keys.url_bytes).map(OrderFault::UrlBytes),
            reader.option(&keys.https).map(|()| OrderFault::Https),
            reader.option(&keys.before_ip).map(|()| OrderFault::BeforeIp),
            reader.option(&keys.again).map(OrderFault::Again),
            reader.option(&keys.detach).map(OrderFault::Detach),
        ];
        faults.into_iter().flatten().next()
    }
}
