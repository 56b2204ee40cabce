//! Reads `faults:` of a case, and checks that its transport can have them.

use crate::suite::suite_keys::{FaultsKeys, HttpFaultKeys, OrderFaultKeys, UartFaultKeys};
use crate::suite::suite_literals::{Count, HttpStatus, UrlBytes};
use crate::yaml::literal::{Literal, Mistake};
use crate::yaml::nearest::ticked;
use crate::yaml::node_path::NodePath;
use crate::yaml::raw::Raw;
use crate::yaml::reader::Reader;
use dfota_core::case::Via;
use dfota_core::fault::{CoapFaults, Faults, HttpFaults, OrderFault, Stall, UartFault};

/// Reads the faults of one case.
pub struct FaultFile<'r, 'd> {
    /// The document's reader.
    pub reader: &'r mut Reader<'d>,
    /// `faults` in the document.
    pub at: NodePath,
    /// The case's transport, where it is known, and its place.
    pub via: (Option<Via>, NodePath),
}

impl FaultFile<'_, '_> {
    /// The faults of the case.
    pub fn faults(&mut self, keys: &FaultsKeys) -> Faults {
        let groups = [
            ("http", keys.http.is_some(), Via::Http),
            ("uart", keys.uart.is_some(), Via::Uart),
            ("order", keys.order.is_some(), Via::Http),
        ];
        for (key, there, needs) in groups {
            if let Some(via) = self.via.0.filter(|via| there && *via != needs) {
                let why = Mistake::new(format!(
                    "faults need `via: {needs}`, and this case is via `{via}`"
                ))
                .label(format!("not via `{via}`"));
                self.reader
                    .key_mistake(&self.at.key(key), why.because(self.via.1.clone()));
            }
        }
        Faults {
            http: keys.http.as_ref().map(|keys| self.http(keys)).unwrap_or_default(),
            coap: CoapFaults::default(), // suites have no keys for them yet
            uart: keys.uart.as_ref().and_then(|keys| self.uart(keys)),
            order: keys.order.as_ref().and_then(|keys| self.order(keys)),
        }
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
