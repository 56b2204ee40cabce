//! Reads `faults:` of a case, and checks that its transport can have them.

use crate::config::suite::suite_keys::{
    CoapFaultKeys, FaultsKeys, HttpFaultKeys, OrderFaultKeys, UartFaultKeys,
};
use crate::config::suite::suite_literals::{CoapBlock, Count, Every, HttpStatus, UrlBytes};
use crate::config::yaml::literal::{Literal, Mistake};
use crate::config::yaml::nearest::ticked;
use crate::config::yaml::node_path::NodePath;
use crate::config::yaml::raw::Raw;
use crate::config::yaml::reader::Reader;
use dfota_core::fault::{CoapFaults, Faults, HttpFaults, OrderFault, Stall, UartFault};
use dfota_core::transport::Via;

/// Reads the faults of one case.
pub struct FaultFile<'r, 'd> {
    pub reader: &'r mut Reader<'d>,
    /// `faults` in the document.
    pub at: NodePath,
    /// The case's transport, where it is known, and its place.
    pub via: (Option<Via>, NodePath),
}

impl FaultFile<'_, '_> {
    /// The faults of the case.
    pub fn faults(&mut self, keys: &FaultsKeys) -> Faults {
        for (key, there, needs) in [
            ("http", keys.http.is_some(), Via::Http),
            ("coap", keys.coap.is_some(), Via::Coap),
            ("uart", keys.uart.is_some(), Via::Uart),
        ] {
            self.needs(&self.at.key(key), "faults need", there, &[needs]);
        }
        if let Some(order) = &keys.order {
            self.order_via(order);
        }
        Faults {
            http: keys.http.as_ref().map(|keys| self.http(keys)).unwrap_or_default(),
            coap: keys.coap.as_ref().map(|keys| self.coap(keys)).unwrap_or_default(),
            uart: keys.uart.as_ref().and_then(|keys| self.uart(keys)),
            order: keys.order.as_ref().and_then(|keys| self.order(keys)),
        }
    }

    /// Over UART there is no order that could be faulty; over CoAP it is no AT command, but the network can go all the same.
    fn order_via(&mut self, keys: &OrderFaultKeys) {
        let at = self.at.key("order");
        if self.via.0 != Some(Via::Coap) {
            let only_detach = keys.detach.is_some() && !others(keys).iter().any(|(_, there)| *there);
            let vias = [Via::Http, Via::Coap];
            let vias = if only_detach { &vias[..] } else { &vias[..1] };
            self.needs(&at, "faults need", true, vias);
            return;
        }
        for (key, there) in others(keys) {
            self.needs(&at.key(key), "needs", there, &[Via::Http]);
        }
    }

    /// Notes a key that is there although the case's transport is none of `vias`.
    fn needs(&mut self, at: &NodePath, needs: &str, there: bool, vias: &[Via]) {
        let Some(via) = self.via.0.filter(|via| there && !vias.contains(via)) else {
            return;
        };
        let vias: Vec<String> = vias.iter().map(|via| format!("`via: {via}`")).collect();
        let why = Mistake::new(format!(
            "{needs} {}, and this case is via `{via}`",
            vias.join(" or ")
        ))
        .label(format!("not via `{via}`"));
        self.reader.key_mistake(at, why.because(self.via.1.clone()));
    }

    fn http(&mut self, keys: &HttpFaultKeys) -> HttpFaults {
        let at = self.at.key("http");
        let stall = keys.stall.as_ref().and_then(|keys| {
            let at = at.key("stall");
            let share = self.reader.read(&at.key("at"), &keys.at);
            let lasts = self.reader.read(&at.key("for"), &keys.lasts);
            Some(Stall {
                at: share?,
                lasts: lasts?,
            })
        });
        HttpFaults {
            stall,
            status: self
                .option(&at, "status", keys.status.as_ref())
                .map(|HttpStatus(status)| status),
            refuse: self.flag(&at, "refuse", keys.refuse.as_ref()),
            drop: self.option(&at, "drop", keys.drop.as_ref()),
            throttle: self
                .option(&at, "throttle", keys.throttle.as_ref())
                .map(|Count(rate)| rate),
            truncate: self.option(&at, "truncate", keys.truncate.as_ref()),
            corrupt: self.option(&at, "corrupt", keys.corrupt.as_ref()),
            wrong_length: self.flag(&at, "wrong-length", keys.wrong_length.as_ref()),
            ignore_range: self.flag(&at, "ignore-range", keys.ignore_range.as_ref()),
        }
    }

    fn coap(&mut self, keys: &CoapFaultKeys) -> CoapFaults {
        let at = self.at.key("coap");
        let every = |Every(n): Every| n;
        CoapFaults {
            execute_early: self.flag(&at, "execute-early", keys.execute_early.as_ref()),
            drop_every: self
                .option(&at, "drop-every", keys.drop_every.as_ref())
                .map(every),
            drop_share: self.option(&at, "drop-share", keys.drop_share.as_ref()),
            duplicate_every: self
                .option(&at, "duplicate-every", keys.duplicate_every.as_ref())
                .map(every),
            duplicate_share: self.option(&at, "duplicate-share", keys.duplicate_share.as_ref()),
            delay: self.option(&at, "delay", keys.delay.as_ref()),
            stop_at: self.option(&at, "stop", keys.stop.as_ref()),
            not_found: self.flag(&at, "not-found", keys.not_found.as_ref()),
            change_etag_at: self.option(&at, "change-etag", keys.change_etag.as_ref()),
            max_block: self
                .option(&at, "max-block", keys.max_block.as_ref())
                .map(|CoapBlock(bytes)| bytes),
        }
    }

    fn uart(&mut self, keys: &UartFaultKeys) -> Option<UartFault> {
        let at = self.at.key("uart");
        let found = [
            self.one(
                &at,
                "corrupt-block",
                keys.corrupt_block.as_ref(),
                UartFault::CorruptBlock,
            ),
            self.one(
                &at,
                "short-block",
                keys.short_block.as_ref(),
                UartFault::ShortBlock,
            ),
            self.one(&at, "long-block", keys.long_block.as_ref(), UartFault::LongBlock),
            self.one(
                &at,
                "out-of-order",
                keys.out_of_order.as_ref(),
                UartFault::OutOfOrder,
            ),
            self.one(&at, "silence", keys.silence.as_ref(), UartFault::Silence),
            self.one(&at, "damage", keys.damage.as_ref(), UartFault::Damage),
            self.switch(&at, "nothing", keys.nothing.as_ref(), UartFault::Nothing),
        ];
        self.exactly_one(&at, found)
    }

    fn order(&mut self, keys: &OrderFaultKeys) -> Option<OrderFault> {
        let at = self.at.key("order");
        let url = |UrlBytes(bytes): UrlBytes| OrderFault::UrlBytes(bytes);
        let found = [
            self.one(&at, "url-bytes", keys.url_bytes.as_ref(), url),
            self.switch(&at, "https", keys.https.as_ref(), OrderFault::Https),
            self.switch(&at, "before-ip", keys.before_ip.as_ref(), OrderFault::BeforeIp),
            self.one(&at, "again", keys.again.as_ref(), OrderFault::Again),
            self.one(&at, "detach", keys.detach.as_ref(), OrderFault::Detach),
        ];
        self.exactly_one(&at, found)
    }

    fn option<T: Literal>(&mut self, at: &NodePath, key: &str, raw: Option<&Raw<T>>) -> Option<T> {
        self.reader.read_option(&at.key(key), raw)
    }

    fn flag(&mut self, at: &NodePath, key: &str, raw: Option<&Raw<bool>>) -> bool {
        self.option(at, key, raw).unwrap_or(false)
    }

    /// A fault that carries a value: its key where it is there, and the fault where it is sound.
    fn one<T: Literal, F>(
        &mut self,
        at: &NodePath,
        key: &'static str,
        raw: Option<&Raw<T>>,
        fault: impl Fn(T) -> F,
    ) -> Option<(&'static str, Option<F>)> {
        raw.map(|raw| (key, self.reader.read(&at.key(key), raw).map(fault)))
    }

    /// A fault that is either there or not: `false` would be a key that says nothing.
    fn switch<F>(
        &mut self,
        at: &NodePath,
        key: &'static str,
        raw: Option<&Raw<bool>>,
        fault: F,
    ) -> Option<(&'static str, Option<F>)> {
        let raw = raw?;
        let at = at.key(key);
        let on = self.reader.read(&at, raw);
        if on == Some(false) {
            let why = Mistake::new("expected `true`, found `false`").help("leave the key out");
            self.reader.mistake(&at, why);
        }
        Some((key, on.filter(|on| *on).map(|_| fault)))
    }

    fn exactly_one<F, const N: usize>(
        &mut self,
        at: &NodePath,
        found: [Option<(&'static str, Option<F>)>; N],
    ) -> Option<F> {
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        if found.len() > 1 {
            let keys: Vec<&str> = found.iter().map(|(key, _)| *key).collect();
            let why = Mistake::new(format!("takes exactly one fault, found {}", ticked(&keys)))
                .label("more than one in it")
                .help("write a case for each, so that a result speaks of one fault");
            self.reader.key_mistake(at, why);
        }
        found.pop().and_then(|(_, fault)| fault)
    }
}

/// The order's faults that HTTP alone has.
fn others(keys: &OrderFaultKeys) -> [(&'static str, bool); 4] {
    [
        ("url-bytes", keys.url_bytes.is_some()),
        ("https", keys.https.is_some()),
        ("before-ip", keys.before_ip.is_some()),
        ("again", keys.again.is_some()),
    ]
}
