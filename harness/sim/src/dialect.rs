//! The other ways in which a sound module can speak: a closed list, which shows that a harness raises no false alarm.
//!
//! Each is legal: the note's own examples, the strings of another firmware, or a habit that users have seen. To add one:
//! a line in the list, and one `dialects.has(…)` where the module speaks: `phrase`, `reporter`,
//! `module` or the application.

use crate::named::{NamedSet, named};

pub(crate) type Dialects = NamedSet<Dialect>;

named! {
    Dialect {
        EndTwice = "end-twice",
            "prints END twice";
        PercentJumps = "percent-jumps",
            "leaves most percentages of DOWNLOADING and UPDATING out";
        PercentRepeats = "percent-repeats",
            "prints each percentage of DOWNLOADING and UPDATING twice";
        PercentRestartsLow = "percent-restarts-low",
            "counts UPDATING from 1 % when an update goes on after a cut";
        NoStart = "no-start",
            "never prints START";
        NoSpaces = "no-spaces",
            "prints no blank after a colon or a comma";
        MoreSpaces = "more-spaces",
            "prints a blank after every comma, and before the colon of +CFUN";
        NoPercentSign = "no-percent-sign",
            "prints percentages without their sign";
        ShortUpdating = "short-updating",
            "prints UPDATING without the numbers of programs";
        NoisyBootRom = "noisy-boot-rom",
            "sends noise before and after the boot ROM's block, and directly before RDY";
        SlowBoot = "slow-boot",
            "takes 10 s from the supply to RDY";
        OldRegistration = "old-registration",
            "reports an LwM2M registration as +QLWURC: reg, like firmware A06";
        Autobaud = "autobaud",
            "detects the rate of the line: prints nothing after the boot ROM's block until it has answered a command";
        EndOnSecondBoot = "end-on-second-boot",
            "prints END on the second boot after an update";
        LateAddress = "late-address",
            "has the address 0.0.0.0 for 3 s after the registration";
        TwoAddresses = "two-addresses",
            "shows a second address after the first, of 16 octets";
        TornHttpEnd = "torn-httpend",
            "reboots in the middle of HTTPEND, and prints START after the reboot";
        ExactHeaderNames = "exact-header-names",
            "finds Content-Length and Content-Range of a server in exactly this spelling only";
        QueueMode = "queue-mode",
            "over LwM2M, sleeps 5 s after each exchange, and after a reboot only updates its registration";
    }
}
