//! How many datagrams of one host are acted upon. A host that has asked for a package on offer has no limit.

use crate::limits::KnownHosts;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// So many of one host in each [`WINDOW`].
const SHARE_MAX: u32 = 2_000;
/// So many of all hosts together: the work that unknown hosts can cause, however many they are.
const ALL_MAX: u32 = 5_000;
/// In the module's time.
const WINDOW: Duration = Duration::from_secs(1);
/// The most hosts counted separately in one window; all others together have one share.
const HOSTS_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct HostShares {
    began: Duration,
    hosts: HashMap<IpAddr, u32>,
    others: u32,
    all: u32,
    known: KnownHosts,
}

impl HostShares {
    pub(super) fn know(&mut self, host: IpAddr) {
        self.known.add(host);
    }

    /// Whether one more datagram of this host is acted upon.
    pub(super) fn admits(&mut self, host: IpAddr, now: Duration) -> bool {
        if self.known.contains(host) {
            return true;
        }
        if now >= self.began + WINDOW {
            self.began = now;
            self.hosts.clear();
            (self.others, self.all) = (0, 0);
        }
        let told_apart = self.hosts.len() < HOSTS_MAX || self.hosts.contains_key(&host);
        let count = if told_apart {
            self.hosts.entry(host).or_default()
        } else {
            &mut self.others
        };
        *count = count.saturating_add(1);
        // What is beyond a host's own share counts for nothing else.
        let within = *count <= SHARE_MAX;
        self.all = self.all.saturating_add(u32::from(within));
        within && self.all <= ALL_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::KNOWN_MAX;

    fn host(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn each_host_has_a_share_and_one_that_is_known_has_no_limit() {
        let mut shares = HostShares::default();
        shares.know(host(9));
        let mut admitted = |host, second| {
            let now = Duration::from_secs(second);
            (0..10_000).filter(|_| shares.admits(host, now)).count()
        };
        assert_eq!(
            [host(1), host(2), host(1), host(9)].map(|host| admitted(host, 1)),
            [2000, 2000, 0, 10_000]
        );
        assert_eq!(admitted(host(1), 2), 2000, "the next window");
    }

    #[test]
    fn many_hosts_together_have_a_share_and_one_that_is_known_has_no_limit() {
        let mut shares = HostShares::default();
        shares.know(host(9));
        let now = Duration::from_secs(1);
        let mut admitted = |number, times| (0..times).filter(|_| shares.admits(host(number), now)).count();
        assert_eq!(admitted(1, 10_000), 2000);
        let hundred: usize = (100..200).map(|number| admitted(number, 500)).sum();
        assert_eq!(
            hundred, 3000,
            "one that floods takes no more than its own share from others"
        );
        assert_eq!(admitted(9, 10_000), 10_000);
    }

    #[test]
    fn memory_is_bounded() {
        let mut shares = HostShares::default();
        let now = Duration::from_secs(1);
        let admitted = (0..100_000)
            .filter(|number| shares.admits(host(*number), now))
            .count();
        assert_eq!(admitted, ALL_MAX as usize);
        (0..1000).for_each(|number| shares.know(host(number)));
        assert!(shares.hosts.len() <= HOSTS_MAX && shares.known.len() <= KNOWN_MAX);
    }
}
