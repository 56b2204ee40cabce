//! What can be wrong with a simulated module: a closed list, which shows that a harness finds it.
//!
//! Each is something that a real bootloader or modem firmware does wrong. To add one: a line in the list, and one
//! `defects.has(…)` where the sound behaviour is. Only the bootloader ([`crate::bootloader`], `brick`), the
//! module's start (`module`), `lwm2m`, `download` and the application ask.

use crate::named::{NamedSet, named};

pub type Defects = NamedSet<Defect>;

named! {
    Defect {
        ForgetsResume = "forgets-resume",
            "after a power cut in UPDATING, starts the half-patched application instead of resuming";
        EndZeroOldVersion = "end-zero-old-version",
            "shows all progress and reports END,0, but keeps the old version";
        EndZeroCorruptedImage = "end-zero-corrupted-image",
            "reports END,0 and shows the new version, but leaves a hole in the image";
        HangsInUpdating = "hangs-in-updating",
            "stops for good at some percentage between 30 and 80, in every attempt";
        DeadAfterCut = "dead-after-cut",
            "gives no sign of life after a power cut in UPDATING";
        NeverPrintsEnd = "never-prints-end",
            "never prints END";
        StuckAtUpdating = "lwm2m-stuck-at-updating",
            "over LwM2M, the state stays 3 (updating) for good, whatever the update did";
        ResultNotReset = "result-not-reset",
            "over LwM2M, keeps the old result when a download or an update starts";
        CannotBeReObserved = "cannot-be-re-observed",
            "over LwM2M, answers an observation as a mere read and never notifies, once it has rebooted by itself";
        ExecutesInAnyState = "executes-in-any-state",
            "over LwM2M, accepts the execution of the update without a package too";
        NoMarker = "no-marker",
            "patches without a marker in the flash, so that no boot after a cut knows of the update";
        MarkerClearedEarly = "marker-cleared-early",
            "clears the marker before the last chunk is patched";
        NoBackup = "no-backup",
            "overwrites a chunk without a backup of it";
        BackupNotVerified = "backup-not-verified",
            "treats a backup as complete if its first page is, and does not write it again";
        TornBackupTrusted = "torn-backup-trusted",
            "after a cut, restores a backup whose first page is complete, even if the rest is torn";
        ResumesWrongChunk = "resumes-wrong-chunk",
            "after a cut, goes on one chunk after the one that was not finished";
        DownloadsAgain = "downloads-again",
            "after a power cut in UPDATING, downloads the package again over HTTP instead of resuming";
        BricksAbove90 = "bricks-above-90",
            "gives no sign of life after a power cut when more than nine tenths are patched";
        BricksNearPercent = "bricks-near-percent",
            "gives no sign of life after a power cut within 50 ms of a percentage";
        RebootLoop = "reboot-loop",
            "after a power cut in UPDATING, crashes in the bootloader at each boot until the watchdog resets it";
        LosesNetwork = "loses-network",
            "never registers on the network again once an update has succeeded";
        ImeiLost = "imei-lost",
            "loses its IMEI when an update succeeds";
        WrongCrcAccepted = "wrong-crc-accepted",
            "accepts a block of AT+QFUPLEX whose CRC is wrong";
        WrongDigestAccepted = "wrong-digest-accepted",
            "applies a package whose digest is wrong";
        WrongBaseAccepted = "wrong-base-accepted",
            "applies a package without a look at whether its source version is the one that runs";
        RangeIgnored = "range-ignored",
            "asks for the rest of a package with Range and takes an answer from the beginning for that rest";
        IgnoresUpdateAfterGlitch = "ignores-update-after-glitch",
            "forgets an update that is under way when the supply was away for less than 20 ms";
        NeedsLongOff = "needs-long-off",
            "forgets an update that is under way when the supply was away for less than 10 s";
        BusyForEver = "busy-for-ever",
            "ends every update with END,2 once one has succeeded";
        SettingsLost = "settings-lost",
            "falls back to the settings of another factory when an update succeeds: 9600 baud";
        LoopsLater = "loops-later",
            "once updated, is reset by the watchdog 30 s after each boot";
        RebootsEvery10s = "reboots-every-10s",
            "once updated, crashes 10 s after each boot and boots again";
        BootsTwice = "boots-twice",
            "boots once more by itself 2 s after the boot of a new version";
        DeafLater = "deaf-later",
            "once updated, does nothing at all any more from 5 s after each boot";
        HangsBeforeEnd = "hangs-before-end",
            "once updated, hangs at +CFUN: 1, so that neither END nor an answer comes";
        QuietAfterUpdate = "quiet-after-update",
            "once updated, answers commands and prints nothing unasked any more, neither RDY nor END";
        CeregFlood = "cereg-flood",
            "once updated, loses the network 5 s after each boot and fills the line with +CEREG: 2";
        StaleReplies = "stale-replies",
            "once updated, sends each reply one command late";
        AnswersOneInFive = "answers-one-in-five",
            "once updated, hears one command in five";
        CmeForEverything = "cme-for-everything",
            "once updated, answers +CME ERROR: 100 to every command";
        GarbledRevision = "garbled-revision",
            "once updated, shows a revision that ends with the bytes FF FE";
        SimIdentityLost = "sim-identity-lost",
            "once updated, has a SIM that is ready and cannot be read";
        RestoresOldWithError = "restores-old-with-error",
            "after a cut in UPDATING, goes on up to 45 %, puts the old version back and reports END,502";
        GivesUpResume = "gives-up-resume",
            "after a cut in UPDATING, puts the old version back without a word and reports END,1";
        GivesUpSilently = "gives-up-silently",
            "after a cut in UPDATING, puts the old version back and says nothing of it";
        FiveTriesThenOld = "five-tries-then-old",
            "after a cut in UPDATING, is reset in the middle of each resume, and puts the old version back after five";
        ResumeWithoutUpdating = "resume-without-updating",
            "after a cut in UPDATING, resumes without a percentage";
        ResetsWhileUpdating = "resets-while-updating",
            "is reset three times in each update, and resumes it each time";
        PercentOutOfRange = "percent-out-of-range",
            "counts UPDATING back at 50 %, as of a third program at 70 %, and up to 140 %";
        OldImageOnSecondBoot = "old-image-on-second-boot",
            "puts the old version back on the second boot of a new one";
        UpdatesAgainLater = "updates-again-later",
            "updates once more, unasked, on the second power-on after an update";
        LargeBlocksCorrupted = "large-blocks-corrupted",
            "stores blocks of 8192 bytes of AT+QFUPLEX wrongly";
    }
}
