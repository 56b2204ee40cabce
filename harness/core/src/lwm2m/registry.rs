//! The registered clients. Their number is bounded: the one that was silent for longest goes first, but never the pinned one.

use super::registration::{Lwm2mRegistration, Parameters};
use crate::rng::Rng;
use crate::seed::Seed;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;

/// As many can be registered.
const ENDPOINTS_MAX: usize = 16_384;

/// A place under `/rd`, drawn so that others do not find it by counting.
pub(super) type Location = u32;

#[derive(Debug)]
pub(super) struct AddedRegistration<P> {
    pub(super) location: Location,
    pub(super) change: RegistrationChange<P>,
    /// Who had to make room for it.
    pub(super) pushed_out: Option<RegistrationChange<P>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationChange<P> {
    /// It is new. A client that registers again has forgotten everything, what is observed on it first of all: a reboot
    /// looks the same.
    Registered {
        endpoint: String,
        /// Where it was before, if it was registered already.
        before: Option<P>,
    },
    Updated {
        endpoint: String,
        /// Its address before, if that changed: NAT.
        moved_from: Option<P>,
    },
    /// It is over.
    Gone { endpoint: String, why: GoneWhy },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneWhy {
    Deregistered,
    /// It was not updated in time.
    Expired,
    /// There was no room for it any more.
    PushedOut,
}

impl fmt::Display for GoneWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deregistered => "de-registered",
            Self::Expired => "expired",
            Self::PushedOut => "pushed out",
        })
    }
}

impl<P> RegistrationChange<P> {
    pub fn endpoint(&self) -> &str {
        match self {
            Self::Registered { endpoint, .. }
            | Self::Updated { endpoint, .. }
            | Self::Gone { endpoint, .. } => endpoint,
        }
    }
}

#[derive(Debug)]
pub struct Registry<P> {
    rng: Rng,
    pinned: Option<String>,
    places: BTreeMap<Location, Lwm2mRegistration<P>>,
    names: BTreeMap<String, Location>,
    /// By the time they were heard last.
    heard: BTreeSet<(Duration, Location)>,
    /// By the time they end.
    ends: BTreeSet<(Duration, Location)>,
}

impl<P: Copy + Eq> Registry<P> {
    pub fn new(seed: Seed) -> Self {
        Self {
            rng: Rng::new(seed, "lwm2m registry"),
            pinned: None,
            places: BTreeMap::new(),
            names: BTreeMap::new(),
            heard: BTreeSet::new(),
            ends: BTreeSet::new(),
        }
    }

    /// Never pushes this endpoint out.
    pub fn pin(&mut self, endpoint: &str) {
        self.pinned = Some(endpoint.to_string());
    }

    pub fn is_pinned(&self, endpoint: &str) -> bool {
        self.pinned.as_deref() == Some(endpoint)
    }

    pub fn count(&self) -> usize {
        self.places.len()
    }

    pub fn find(&self, endpoint: &str) -> Option<&Lwm2mRegistration<P>> {
        self.places.get(self.names.get(endpoint)?)
    }

    /// Where its registration is updated.
    pub(super) fn location(&self, endpoint: &str) -> Option<Location> {
        self.names.get(endpoint).copied()
    }

    pub(super) fn register(
        &mut self,
        endpoint: String,
        peer: P,
        parameters: Parameters,
        now: Duration,
    ) -> AddedRegistration<P> {
        let old = self
            .location(&endpoint)
            .and_then(|location| self.remove(location));
        let before = old.map(|old| old.peer);
        let full = self.places.len() >= ENDPOINTS_MAX;
        let pushed_out = full.then(|| self.push_out()).flatten();
        let location = self.free_location();
        self.names.insert(endpoint.clone(), location);
        let registration = Lwm2mRegistration::new(endpoint.clone(), peer, parameters, now);
        self.insert(location, registration);
        AddedRegistration {
            location,
            change: RegistrationChange::Registered { endpoint, before },
            pushed_out,
        }
    }

    /// Updates; `None` where nobody has this location.
    pub(super) fn update(
        &mut self,
        location: Location,
        peer: P,
        parameters: Parameters,
        now: Duration,
    ) -> Option<RegistrationChange<P>> {
        let mut registration = self.take(location)?;
        let moved_from = (registration.peer != peer).then_some(registration.peer);
        registration.update(peer, parameters, now);
        let endpoint = registration.endpoint.clone();
        self.insert(location, registration);
        Some(RegistrationChange::Updated { endpoint, moved_from })
    }

    /// Ends a registration; `None` where nobody has this location.
    pub(super) fn deregister(&mut self, location: Location) -> Option<RegistrationChange<P>> {
        self.end(location, GoneWhy::Deregistered)
    }

    /// A registered client sent something else: in queue mode, it listens for a while. The lifetime counts from registration
    /// and update alone (TS 1.0.2 §5.3.2), so its end stays.
    pub fn spoke(&mut self, endpoint: &str, now: Duration) {
        if let Some(location) = self.location(endpoint)
            && let Some(registration) = self.places.get_mut(&location)
        {
            self.heard.remove(&(registration.heard, location));
            registration.heard = now;
            self.heard.insert((now, location));
        }
    }

    pub fn deadline(&self) -> Option<Duration> {
        self.ends.first().map(|(ends, _)| *ends)
    }

    /// One that has ended by now.
    pub fn expire(&mut self, now: Duration) -> Option<RegistrationChange<P>> {
        let (_, location) = *self.ends.first().filter(|(ends, _)| *ends <= now)?;
        self.end(location, GoneWhy::Expired)
    }

    fn free_location(&mut self) -> Location {
        loop {
            let location = self.rng.next_u64() as Location;
            if !self.places.contains_key(&location) {
                return location;
            }
        }
    }

    fn push_out(&mut self) -> Option<RegistrationChange<P>> {
        let mut by_age = self.heard.iter().map(|(_, location)| *location);
        let oldest = by_age.find(|location| {
            let registration = self.places.get(location);
            registration.is_some_and(|registration| !self.is_pinned(&registration.endpoint))
        })?;
        self.end(oldest, GoneWhy::PushedOut)
    }

    fn insert(&mut self, location: Location, registration: Lwm2mRegistration<P>) {
        self.heard.insert((registration.heard, location));
        self.ends.insert((registration.until, location));
        self.places.insert(location, registration);
    }

    fn take(&mut self, location: Location) -> Option<Lwm2mRegistration<P>> {
        let registration = self.places.remove(&location)?;
        self.heard.remove(&(registration.heard, location));
        self.ends.remove(&(registration.until, location));
        Some(registration)
    }

    fn end(&mut self, location: Location, why: GoneWhy) -> Option<RegistrationChange<P>> {
        let endpoint = self.remove(location)?.endpoint;
        Some(RegistrationChange::Gone { endpoint, why })
    }

    fn remove(&mut self, location: Location) -> Option<Lwm2mRegistration<P>> {
        let registration = self.take(location)?;
        self.names.remove(&registration.endpoint);
        Some(registration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn gone<P>(endpoint: &str, why: GoneWhy) -> Option<RegistrationChange<P>> {
        let endpoint = endpoint.into();
        Some(RegistrationChange::Gone { endpoint, why })
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn lifetime(lifetime: u64) -> Parameters {
        Parameters {
            lifetime: Some(seconds(lifetime)),
            ..Parameters::default()
        }
    }

    #[test]
    fn a_flood_pushes_the_oldest_out_but_never_the_one_under_test() {
        let mut registry = Registry::new(Seed(1));
        registry.pin("rig");
        registry.register("rig".into(), 0, Parameters::default(), seconds(0));
        registry.register("old".into(), 0, Parameters::default(), seconds(1));
        for n in 0..ENDPOINTS_MAX as u32 - 2 {
            let added = registry.register(format!("x{n}"), n, Parameters::default(), seconds(2));
            assert_eq!(added.pushed_out, None);
        }
        let added = registry.register("one more".into(), 0, Parameters::default(), seconds(3));
        assert_eq!(added.pushed_out, gone("old", GoneWhy::PushedOut));
        for n in 0..40_000 {
            registry.register(format!("y{n}"), n, Parameters::default(), seconds(4));
        }
        assert!(registry.find("rig").is_some() && registry.count() == ENDPOINTS_MAX);
        let lengths = [registry.names.len(), registry.heard.len(), registry.ends.len()];
        assert_eq!(lengths, [ENDPOINTS_MAX; 3]);
    }

    #[test]
    fn lifetimes_end_in_their_order_and_an_update_extends_them() {
        let mut registry = Registry::new(Seed(1));
        let a = registry
            .register("a".into(), 1, lifetime(50), seconds(0))
            .location;
        registry.register("b".into(), 2, lifetime(60), seconds(0));
        assert_eq!(registry.deadline(), Some(seconds(50)));
        registry.spoke("a", seconds(30));
        assert_eq!(
            registry.deadline(),
            Some(seconds(50)),
            "a notification extends nothing"
        );
        let moved = registry.update(a, 7, lifetime(50), seconds(40));
        let expected = RegistrationChange::Updated {
            endpoint: "a".into(),
            moved_from: Some(1),
        };
        assert_eq!(moved, Some(expected));
        assert_eq!(registry.expire(seconds(59)), None);
        assert_eq!(registry.expire(seconds(60)), gone("b", GoneWhy::Expired));
        assert_eq!(registry.expire(seconds(89)), None);
        assert_eq!(registry.find("a").map(|a| a.peer), Some(7));
        assert_eq!(registry.expire(seconds(90)), gone("a", GoneWhy::Expired));
        assert!(registry.count() == 0 && registry.update(a, 7, lifetime(1), seconds(91)).is_none());
    }

    #[test]
    fn who_registers_again_has_a_new_place() {
        let mut registry = Registry::new(Seed(1));
        let first = registry
            .register("a".into(), 1, lifetime(50), seconds(0))
            .location;
        let second = registry.register("a".into(), 2, lifetime(50), seconds(10));
        let expected = RegistrationChange::Registered {
            endpoint: "a".into(),
            before: Some(1),
        };
        assert_eq!((second.change, registry.count()), (expected, 1));
        assert!(first != second.location && registry.deregister(first).is_none());
        assert_eq!(
            registry.deregister(second.location),
            gone("a", GoneWhy::Deregistered)
        );
    }

    #[test]
    fn queue_mode_closes_the_ear() {
        let mut registry = Registry::new(Seed(1));
        let queue = Parameters {
            binding: Some("UQ".into()),
            ..Parameters::default()
        };
        registry.register("q".into(), 1, queue, seconds(0));
        registry.register("u".into(), 1, Parameters::default(), seconds(0));
        let listens =
            |registry: &Registry<i32>, name, now| registry.find(name).unwrap().listens(seconds(now));
        assert!(listens(&registry, "q", 92) && !listens(&registry, "q", 93) && listens(&registry, "u", 5000));
        registry.spoke("q", seconds(200));
        assert!(listens(&registry, "q", 292));
    }
}
