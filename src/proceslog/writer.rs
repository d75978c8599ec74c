//! To stderr, without ever failing: a line that the system does not take is counted.

use std::{
    io::{self, ErrorKind, Write},
    sync::{Arc, OnceLock},
};

use tracing_appender::non_blocking::ErrorCounter;

/// Makes the line that tells how many lines were lost.
pub type Notice = Box<dyn Fn(u64) -> Vec<u8> + Send>;

/// Where the thread behind the queue writes; one `write` is one line.
pub struct Lossy<W> {
    to: W,
    /// Lines that found no room in the queue, counted by it.
    dropped: Arc<OnceLock<ErrorCounter>>,
    /// Lines that `to` did not take.
    untaken: u64,
    /// How many of both were told.
    told: u64,
    /// A line was taken in part: the next one begins on a line of its own.
    torn: bool,
    notice: Notice,
}

impl<W: Write> Lossy<W> {
    pub fn new(to: W, dropped: Arc<OnceLock<ErrorCounter>>, notice: Notice) -> Self {
        Self { to, dropped, untaken: 0, told: 0, torn: false, notice }
    }

    /// Gives whether all of it was taken.
    fn take(&mut self, line: &[u8]) -> bool {
        if self.torn {
            self.torn = !self.all(b"\n");
        }
        !self.torn && self.all(line)
    }

    fn all(&mut self, line: &[u8]) -> bool {
        let mut rest = line;
        while !rest.is_empty() {
            match self.to.write(rest) {
                Ok(taken @ 1..) => rest = rest.get(taken..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    self.torn |= rest.len() < line.len();
                    return false;
                }
            }
        }
        true
    }

    fn lost(&self) -> u64 {
        let dropped = self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        self.untaken + u64::try_from(dropped).unwrap_or(u64::MAX)
    }
}

impl<W: Write> Write for Lossy<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !self.take(line) {
            self.untaken += 1;
        }
        Ok(line.len())
    }

    /// Called when the queue is empty, so that a flood of lines is told of once.
    fn flush(&mut self) -> io::Result<()> {
        let lost = self.lost();
        if lost > self.told {
            let notice = (self.notice)(lost - self.told);
            if self.take(&notice) {
                self.told = lost;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time, and then refuses, until there is room again.
    struct Disk<'d>(&'d mut Vec<u8>, usize);

    impl Write for Disk<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(self.1);
            self.1 -= taken;
            self.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_did_not_take_are_told_once_there_is_room_again() {
        let mut written = Vec::new();
        let notice: Notice = Box::new(|lost| format!("{lost} lost\n").into_bytes());
        let mut log = Lossy::new(Disk(&mut written, 10), Arc::default(), notice);
        for line in ["first\n", "second\n", "third\n"] {
            log.write_all(line.as_bytes()).expect("it never fails");
            log.flush().expect("it never fails");
        }
        log.to.1 = 1000;
        for line in ["fourth\n", "fifth\n"] {
            log.write_all(line.as_bytes()).expect("it never fails");
            log.flush().expect("it never fails");
        }
        assert_eq!(String::from_utf8(written).unwrap(), "first\nseco\nfourth\n2 lost\nfifth\n");
    }
}
