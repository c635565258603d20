//! Notices that the text of the configuration file has changed. Says so and nothing more: reading the file anew and
//! judging it is for [`load`](super::load). What goes wrong with watching is reported and never fatal.
//!
//! The folder is watched rather than the file, so that a file renamed into its place and a link swapped beside it (as
//! Kubernetes does with `..data`) are seen. Since some file systems tell of nothing, the text is also compared now and
//! then.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::source::{Source, read_bytes};

/// A change is looked at when nothing happened in the folder for this long.
const QUIET: Duration = Duration::from_millis(100);
/// A folder that is never quiet is looked at this long after its first change.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The text is compared this often even when nobody tells of a change.
const RECHECK: Duration = Duration::from_secs(30);

/// What a watch tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The text differs from the one before, or can't be read any more: loading it tells. Told once until it differs
    /// again.
    Text,
    /// Nobody tells of changes, in words: the text is only compared now and then.
    Trouble(String),
}

/// A watch over a configuration's source. Ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    file: Option<Watched>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    /// The text at the last look; nothing when it could not be read.
    text: Option<Vec<u8>>,
    /// Bounded to one: many signals before a look are one signal.
    signals: mpsc::Receiver<()>,
    /// Kept alive by the watcher, and by this end where there is none, so that `signals` never ends.
    _sender: mpsc::Sender<()>,
    _watcher: Option<RecommendedWatcher>,
    /// When the next look is due, with the first signal since the last one.
    due: Due,
    trouble: Option<String>,
    /// A read that has not ended.
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

#[derive(Clone, Copy, Debug)]
struct Due {
    look: Instant,
    first_signal: Option<Instant>,
}

impl Due {
    fn recheck() -> Self {
        Self { look: Instant::now() + RECHECK, first_signal: None }
    }

    /// A signal puts the look off until the folder is quiet, within bounds.
    fn after_signal(self) -> Self {
        let now = Instant::now();
        let first = self.first_signal.unwrap_or(now);
        Self { look: (now + QUIET).min(first + LONGEST_WAIT), first_signal: Some(first) }
    }
}

impl Watch {
    /// Begins to watch. Begin before [`load`](super::load): a change in between is then told, at worst once too often.
    ///
    /// A text in `EIPD_CONFIG_INLINE` never changes. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(source: &Source) -> Self {
        match source {
            Source::Inline(_) => Self { file: None },
            Source::File(path) => Self { file: Some(Watched::start(path)) },
        }
    }

    /// Waits for the next change. May be dropped at any moment without losing one.
    pub async fn changed(&mut self) -> Change {
        match &mut self.file {
            Some(file) => file.changed().await,
            None => std::future::pending().await,
        }
    }
}

impl Watched {
    fn start(path: &Path) -> Self {
        let (sender, signals) = mpsc::channel(1);
        let (watcher, trouble) = match watcher(path, sender.clone()) {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(format!("`{}` is not watched: {error}", path.display()))),
        };
        Self {
            path: path.to_owned(),
            text: read_bytes(path).ok(),
            signals,
            _sender: sender,
            _watcher: watcher,
            due: Due::recheck(),
            trouble,
            reading: None,
        }
    }

    async fn changed(&mut self) -> Change {
        loop {
            if let Some(trouble) = self.trouble.take() {
                return Change::Trouble(trouble);
            }
            tokio::select! {
                _ = self.signals.recv() => self.due = self.due.after_signal(),
                () = sleep_until(self.due.look) => {
                    let read = self.read().await;
                    self.due = Due::recheck();
                    if let Some(change) = self.look(read) {
                        return change;
                    }
                }
            }
        }
    }

    /// Reads off the runtime's threads, and not for longer than a network file system may reasonably take. A read that
    /// hangs is waited for again, and not followed by another.
    async fn read(&mut self) -> io::Result<Vec<u8>> {
        const DEADLINE: Duration = Duration::from_secs(10);
        let path = self.path.clone();
        let reading =
            self.reading.get_or_insert_with(|| tokio::task::spawn_blocking(move || read_bytes(&path)));
        match timeout(DEADLINE, reading).await {
            Ok(joined) => {
                self.reading = None;
                joined.map_err(io::Error::other)?
            }
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer within 10 s")),
        }
    }

    fn look(&mut self, read: io::Result<Vec<u8>>) -> Option<Change> {
        match read {
            Ok(text) if self.text.as_ref() == Some(&text) => None,
            Ok(text) => {
                self.text = Some(text);
                Some(Change::Text)
            }
            Err(_) => self.text.take().map(|_| Change::Text),
        }
    }
}

fn watcher(path: &Path, sender: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| may_change(event.kind)) {
            // A full channel holds a signal already.
            let _ = sender.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Whether an event may mean a new text. Reading does not: the look itself would be the next signal.
fn may_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Long enough for a busy machine; a test that passes does not wait for it.
    const PATIENCE: Duration = Duration::from_secs(20);
    /// Long enough for a change to be told if one were.
    const SILENCE: Duration = Duration::from_millis(1500);

    async fn told(watch: &mut Watch) -> Change {
        timeout(PATIENCE, watch.changed()).await.expect("a change is told")
    }

    async fn silent(watch: &mut Watch) -> bool {
        timeout(SILENCE, watch.changed()).await.is_err()
    }

    #[tokio::test]
    async fn a_file_written_or_renamed_into_its_place_is_told_once() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (file, other) = (folder.path().join("eipd.toml"), folder.path().join("new.toml"));
        fs::write(&file, "a = 1").expect("the folder is writable");
        let mut watch = Watch::start(&Source::File(file.clone()));

        fs::write(&file, "a = 2").expect("the folder is writable");
        fs::write(&file, "a = 3").expect("the folder is writable");
        assert_eq!(told(&mut watch).await, Change::Text);

        fs::write(&other, "a = 4").expect("the folder is writable");
        fs::rename(&other, &file).expect("the folder is writable");
        assert_eq!(told(&mut watch).await, Change::Text);

        fs::write(&other, "a = 5").expect("the folder is writable");
        fs::write(&file, "a = 4").expect("the folder is writable");
        assert!(silent(&mut watch).await, "the text is the same");
    }

    #[tokio::test]
    async fn a_swapped_link_is_told() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let at = |name: &str| folder.path().join(name);
        for (version, text) in [("..1", "a = 1"), ("..2", "a = 2")] {
            fs::create_dir(at(version)).expect("the folder is writable");
            fs::write(at(version).join("eipd.toml"), text).expect("the folder is writable");
        }
        symlink("..1", at("..data")).expect("the folder is writable");
        symlink("..data/eipd.toml", at("eipd.toml")).expect("the folder is writable");
        let mut watch = Watch::start(&Source::File(at("eipd.toml")));

        symlink("..2", at("..data_tmp")).expect("the folder is writable");
        fs::rename(at("..data_tmp"), at("..data")).expect("the folder is writable");
        assert_eq!(told(&mut watch).await, Change::Text);
    }

    #[tokio::test]
    async fn a_file_that_vanishes_is_told_once_and_its_return_too() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("eipd.toml");
        fs::write(&file, "a = 1").expect("the folder is writable");
        let mut watch = Watch::start(&Source::File(file.clone()));

        fs::remove_file(&file).expect("the folder is writable");
        assert_eq!(told(&mut watch).await, Change::Text);
        assert!(silent(&mut watch).await, "it was told already");
        fs::write(&file, "a = 1").expect("the folder is writable");
        assert_eq!(told(&mut watch).await, Change::Text);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_watched_is_told_once_and_looked_at_now_and_then() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("later/eipd.toml");
        let mut watch = Watch::start(&Source::File(file.clone()));
        assert!(matches!(watch.changed().await, Change::Trouble(words) if words.contains("is not watched")));

        fs::create_dir(folder.path().join("later")).expect("the folder is writable");
        fs::write(&file, "a = 1").expect("the folder is writable");
        assert_eq!(watch.changed().await, Change::Text);
    }

    #[tokio::test(start_paused = true)]
    async fn an_inline_text_never_changes() {
        let mut watch = Watch::start(&Source::Inline("a = 1".to_owned()));
        assert!(timeout(RECHECK * 2, watch.changed()).await.is_err());
    }
}
