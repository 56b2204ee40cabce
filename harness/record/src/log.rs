//! A captured serial log: opened, read to its end, and shown as text, as JSON and as a page.

pub mod opened;
pub mod page;
pub mod summary;

use dfota_core::log::found::LogUpdate;
use dfota_core::log::reader::LogReader;
use opened::{Log, LogError};
use std::io::Read;

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// Reads a log to its end; every update is given as soon as it is over, and then let go.
pub fn read(log: &mut Log, reader: &mut LogReader, mut each: impl FnMut(LogUpdate)) -> Result<(), LogError> {
    reader.push(log.head(), &mut each);
    let mut chunk = vec![0; CHUNK];
    loop {
        match log.rest.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => reader.push(&chunk[..read], &mut each),
            Err(why) if why.kind() == std::io::ErrorKind::Interrupted => {}
            Err(why) => return Err(log.unreadable(why)),
        }
    }
    reader.finish(&mut each);
    Ok(())
}
