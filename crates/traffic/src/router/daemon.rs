use std::fs::{File, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evergen_resilience::SettingsError;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::fs::FlockOperation;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::Semaphore;

use super::engine::Engine;
use super::kept::KeptError;
use super::proxy::{Client, Proxy};
use super::serving::serve_control;
use super::settings::RouterSettings;
use super::tasks::Tasks;
use super::tunnel::Patient;
use crate::durable::folder_of;

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// How many may talk to the control socket at once.
const CONTROLLERS: usize = 32;

/// Rests after an accept that failed, as without free descriptors.
const REST: Duration = Duration::from_millis(50);

/// A small reverse proxy that shares HTTP requests between two slots.
///
/// It listens from [`bind`](Self::bind) on, answers from [`run`](Self::run) on, and is told
/// what to do by a socket ([`RouterClient`](crate::RouterClient)). The split and the endpoints
/// stand in a file before they are in effect, so a router that was killed comes back with them.
#[derive(Debug)]
pub struct Router {
    settings: RouterSettings,
    requests: TcpListener,
    control: UnixListener,
    engine: Arc<Engine>,
    /// Held as long as the router: nobody else works on its state.
    _lock: File,
}

/// A router that does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// A setting is out of range.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Another router works on the same state.
    #[error("another router works on `{}`; stop it, or give this one files of its own", path.display())]
    Taken {
        /// The state file.
        path: PathBuf,
    },
    /// The state file can't be used.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// Requests can't come in there.
    #[error("can't listen for requests at {address}; is the port in use?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The control socket can't be made.
    #[error("can't make the control socket `{}` (a path of at most 90 bytes in a folder of yours)", path.display())]
    Control {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// How a router ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouterEnd {
    /// Connections that were cut off because they outlasted the grace.
    pub cut_off: usize,
}

impl Router {
    /// Takes the state, the address and the control socket.
    ///
    /// # Errors
    /// A setting is out of range, another router is at work, the state is damaged, or an
    /// address can't be had. Nothing has changed then.
    pub async fn bind(settings: RouterSettings) -> Result<Self, BindError> {
        settings.validate()?;
        let state = settings.state.clone();
        let loading = tokio::task::spawn_blocking(move || {
            let lock = lock(&state)?;
            Ok::<_, BindError>((lock, Engine::load(state)?))
        });
        let stopped = |error| KeptError::File {
            action: "read",
            path: settings.state.clone(),
            source: io::Error::other(error),
        };
        let (lock, engine) = loading.await.map_err(stopped)??;
        let address = settings.listen;
        let requests = TcpListener::bind(address)
            .await
            .map_err(|source| BindError::Listen { address, source })?;
        let control = bind_control(&settings.control)
            .map_err(|source| BindError::Control { path: settings.control.clone(), source })?;
        Ok(Self { settings, requests, control, engine, _lock: lock })
    }

    /// Where requests come in.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.requests.local_addr()
    }

    /// Answers requests and commands until `end` is ready. Then nothing new is taken, what is
    /// in flight may go on for the grace of the settings, and all tasks are joined.
    ///
    /// Dropping the future stops the taking at once and leaves running requests to the runtime.
    pub async fn run(self, end: impl Future<Output = ()>) -> RouterEnd {
        let tasks = Tasks::default();
        let table = self.engine.table.clone();
        let proxy = Arc::new(Proxy::new(self.settings.clone(), table, tasks.clone()));
        let controllers = Arc::new(Semaphore::new(CONTROLLERS));
        let places = Arc::new(Semaphore::new(self.settings.max_connections));
        tokio::select! {
            () = end => {}
            () = take_requests(&self.requests, &places, &proxy) => {}
            () = take_control(&self.control, &controllers, &self.engine, &tasks) => {}
        }
        drop(self.requests);
        let cut_off = tasks.finish(self.settings.shutdown_grace).await;
        let _ = std::fs::remove_file(&self.settings.control);
        RouterEnd { cut_off }
    }
}

/// Runs a router until the process is asked to end (SIGTERM or SIGINT). `listening` is told
/// the address once requests are taken.
///
/// # Errors
/// The router does not start; see [`BindError`].
pub async fn run_router(
    settings: RouterSettings,
    listening: impl FnOnce(SocketAddr),
) -> Result<RouterEnd, BindError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = settings.listen;
    let failed = |source| BindError::Listen { address: listen, source };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let router = Router::bind(settings).await?;
    listening(router.address().map_err(failed)?);
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(router.run(end).await)
}

async fn take_requests(listener: &TcpListener, places: &Arc<Semaphore>, proxy: &Arc<Proxy>) {
    loop {
        // Never closed. Without a free place clients wait in the system's queue.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                let client = Client { address: from.ip(), place: Arc::new(place) };
                proxy.tasks.spawn(serve(proxy.clone(), stream, client));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Answers the requests of one connection.
async fn serve(proxy: Arc<Proxy>, stream: TcpStream, client: Client) {
    // Without it small writes wait for acknowledgements; a failure costs only time.
    let _ = stream.set_nodelay(true);
    let settings = &proxy.settings;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(LONGEST_HEAD);
    let stream = TokioIo::new(Patient::new(stream, settings.stall_timeout));
    let asked = proxy.clone();
    let service = service_fn(move |request| asked.clone().answer(request, client.clone()));
    let connection = http.serve_connection(stream, service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = proxy.tasks.finishing() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection of a client ended");
    }
}

async fn take_control(
    listener: &UnixListener,
    places: &Arc<Semaphore>,
    engine: &Arc<Engine>,
    tasks: &Tasks,
) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (engine, finishing) = (engine.clone(), tasks.clone());
                tasks.spawn(async move {
                    let _place = place;
                    tokio::select! {
                        () = serve_control(stream, &engine) => {}
                        () = finishing.finishing() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection for control was not accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Takes the lock beside the state file; the system frees it with the process. Blocks shortly.
fn lock(state: &Path) -> Result<File, BindError> {
    let mut name = state.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path = state.with_file_name(name);
    let failed = |source| KeptError::File { action: "lock", path: path.clone(), source };
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(failed)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(BindError::Taken { path: state.to_owned() }),
        Err(error) => Err(failed(error.into()).into()),
    }
}

/// Makes the socket in a folder that nobody else may enter, and moves it into place when it
/// has its mode. The lock is held, so what stands there is of a router that is gone.
fn bind_control(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(known) if !known.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is something that is no socket",
            ));
        }
        _ => {}
    }
    let private = folder_of(path).join(format!(".r{}", std::process::id()));
    let socket = private.join("s");
    let made = std::fs::DirBuilder::new().mode(0o700).create(&private);
    let bound = made.and_then(|()| {
        let listener = UnixListener::bind(&socket)?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&socket, path)?;
        Ok(listener)
    });
    if bound.is_err() {
        let _ = std::fs::remove_file(&socket);
    }
    let _ = std::fs::remove_dir(&private);
    bound
}
