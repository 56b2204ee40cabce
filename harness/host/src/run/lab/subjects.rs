//! The subjects of a lab's messages, and names in them. A key has to allow them: see `users.rs`.

use dfota_core::escape::unescaped;

/// In place of the name of a rig: the run itself. No [`token`] is written like this.
const RUN_ITSELF: &str = "=run";

/// A batch of a run that a rig is to run.
pub fn job(priority: u8, rig: &str, run: &str, folder: &str) -> String {
    format!("jobs.{priority}.{}.{}.{}", token(rig), token(run), token(folder))
}

pub fn jobs_of_rig(priority: u8, rig: &str) -> String {
    format!("jobs.{priority}.{}.>", token(rig))
}

pub fn jobs_of_run(run: &str) -> String {
    format!("jobs.*.*.{}.>", token(run))
}

/// The journals of a rig in a run.
pub fn records(run: &str, rig: &str) -> String {
    format!("records.{}.{}", token(run), token(rig))
}

/// The journal of the run itself.
pub fn records_of_run_itself(run: &str) -> String {
    format!("records.{}.{RUN_ITSELF}", token(run))
}

/// All journals of a run.
pub fn records_of_run(run: &str) -> String {
    format!("records.{}.>", token(run))
}

/// An agent gets on with its batch.
pub fn beats(run: &str, rig: &str) -> String {
    format!("beats.{}.{}", token(run), token(rig))
}

/// What a run wants of an agent.
pub fn orders(run: &str, rig: &str) -> String {
    format!("orders.{}.{}", token(run), token(rig))
}

pub fn orders_of_run(run: &str) -> String {
    format!("orders.{}.>", token(run))
}

/// A name as one token of a subject, or a key: what may not stand in one is written as `=` and its number in hex.
pub fn token(name: &str) -> String {
    let mut token = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => token.push(byte as char),
            _ => token += &format!("={byte:02X}"),
        }
    }
    token
}

/// The name that a [`token`] stands for; nothing for what is none.
pub fn name_of(token: &str) -> Option<String> {
    unescaped(token, b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart_as_tokens() {
        assert_eq!(token("bench-03"), "bench-03");
        assert_eq!(token("a.b c=d/ü"), "a=2Eb=20c=3Dd=2F=C3=BC");
        assert_ne!(token("a.b"), token("a=2Eb"));
        for name in ["bench-03", "a.b c=d/ü"] {
            assert_eq!(name_of(&token(name)).as_deref(), Some(name));
        }
        assert_eq!(["=2", "=zz", "=FF"].map(name_of), [None, None, None]);
    }
}
