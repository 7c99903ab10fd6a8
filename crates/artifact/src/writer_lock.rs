use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[cfg(test)]
mod tests;

/// How often a process that waits looks again.
const PAUSE: Duration = Duration::from_millis(15);

/// The right to write, for one process at a time, for as long as the value lives.
///
/// The system releases it when the process ends, however it ends: a lock never
/// has to be removed by hand.
///
/// ```
/// use evergen_artifact::WriterLock;
///
/// # let folder = tempfile::tempdir()?;
/// let state = folder.path().join(".evergen");
/// let lock = WriterLock::acquire(&state, None)?;
/// let second = WriterLock::acquire(&state, None).unwrap_err();
/// assert!(second.to_string().contains(&format!("process {}", std::process::id())));
/// drop(lock);
/// WriterLock::acquire(&state, None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of the state folder, and makes the folder if need be. While
    /// another holds it, this waits for at most as long as `wait`, or not at all.
    pub fn acquire(state: &Path, wait: Option<Duration>) -> Result<Self, AcquireError> {
        let path = state.join("lock");
        let failed = |source| AcquireError::System { path: path.clone(), source };
        let mut file = open(&path).map_err(failed)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if wait.is_none_or(|wait| started.elapsed() >= wait) {
                let holder = Holder::read(&mut file);
                return Err(AcquireError::Held { path, holder });
            }
            sleep(PAUSE);
        }
        // The text is for people; that it can't be written is no reason not to work.
        let _ = Holder::current().write(&mut file);
        Ok(Self { _file: file })
    }
}

/// Who holds a [`WriterLock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The number of the process on its host.
    pub pid: u32,
    /// The program and what it was told to do.
    pub command: String,
    /// The name of the machine.
    pub host: String,
    /// When it took the lock, in seconds since 1970.
    pub since: u64,
}

impl Holder {
    fn current() -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { pid: std::process::id(), command: command(), host, since: now.as_secs() }
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        let Self { pid, command, host, since } = self;
        file.set_len(0)?;
        file.write_all(format!("{pid}\n{since}\n{host}\n{command}\n").as_bytes())
    }

    /// Nothing if the holder has not written the text yet.
    fn read(file: &mut File) -> Option<Self> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut text).ok()?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.parse().ok()?;
        let since = lines.next()?.parse().ok()?;
        let host = lines.next()?.to_owned();
        Some(Self { pid, command: lines.next()?.to_owned(), host, since })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, command, host, since } = self;
        write!(f, "process {pid} (`{command}`) on {host} since {}", Utc(*since))
    }
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// Another process is at work.
    #[error("`{}` is held by {}", .path.display(), described(.holder.as_ref()))]
    Held {
        /// The file of the lock.
        path: PathBuf,
        /// Who holds it, if it has said so already.
        holder: Option<Holder>,
    },
    /// The file can't be made or locked.
    #[error("can't lock `{}`", .path.display())]
    System {
        /// The file of the lock.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn described(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), Holder::to_string)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            options.open(path)
        }
        opened => opened,
    }
}

/// The name of the program and its verb; further arguments may be secret.
fn command() -> String {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    let verb = arguments.next().filter(|verb| verb.as_encoded_bytes().first() != Some(&b'-'));
    let text =
        verb.map_or(program.to_string(), |verb| format!("{program} {}", verb.to_string_lossy()));
    text.replace(char::is_control, " ")
}

/// A time in seconds since 1970, as a date and a time of day in UTC.
struct Utc(u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// Turns days since 1970 into year, month and day. Years start in March here, so
/// that the leap day is their last.
fn date(days: u64) -> (u64, u64, u64) {
    // Days from 0000-03-01 to 1970-01-01; 146,097 days are 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day)
}
