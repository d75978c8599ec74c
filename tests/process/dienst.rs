//! How a service manager starts, reloads, watches and stops the gateway, and what it waits for.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::{fs::symlink, net::UnixDatagram},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    postgres::Cluster,
    served::{Served, expect, ketenpoort, stderr, terminate, until},
};

/// What a service manager hears.
struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    fn of(served: &mut Served) -> Self {
        let path = served.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        served.environment.push(("NOTIFY_SOCKET".to_owned(), path.display().to_string()));
        Self { socket }
    }

    /// The next thing that is said, but for the watchdog.
    fn hears(&self) -> String {
        loop {
            let said = self.next();
            if said != "WATCHDOG=1" {
                return said;
            }
        }
    }

    fn next(&self) -> String {
        let mut said = [0; 4096];
        let length = self.socket.recv(&mut said).unwrap();
        String::from_utf8(said[..length].to_vec()).unwrap().trim_end().to_owned()
    }
}

/// What `/ready` answers: the status and the object.
fn ready(served: &Served) -> Option<(u16, Value)> {
    let address = served.waarneming();
    let mut stream = TcpStream::connect(&address).ok()?;
    write!(stream, "GET /ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, serde_json::from_str(body).ok()?))
}

#[test]
fn a_service_manager_hears_how_it_goes() {
    let mut served = Served::prepare();
    let manager = Manager::of(&mut served);
    served.environment.push(("WATCHDOG_USEC".to_owned(), "400000".to_owned()));
    served.serve();
    // As long as it begins, however long its logboek is, it asks for more time.
    let mut told = manager.hears();
    assert_eq!(told, "EXTEND_TIMEOUT_USEC=15000000\nSTATUS=begint");
    while told.starts_with("EXTEND_TIMEOUT_USEC=") {
        told = manager.hears();
    }
    assert!(told.starts_with("READY=1\nSTATUS=open op 127.0.0.1:"), "{told}");
    let begun = Instant::now();
    for _ in 0..4 {
        assert_eq!(manager.next(), "WATCHDOG=1");
    }
    // Twice in its time, so that one that comes late is none that is missed.
    assert!(begun.elapsed() > Duration::from_millis(500), "{:?}", begun.elapsed());
    served.signal("HUP");
    let reloading = manager.hears();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert!(manager.hears().starts_with("READY=1"));
    served.stop();
    assert!(manager.hears().starts_with("STOPPING=1"));
}

#[test]
fn a_stop_says_so_first_and_a_second_one_hurries() {
    let mut served = Served::prepare();
    served.configure("# [grenzen]", "[grenzen]\ndrain_seconds = 120");
    served.serve();
    served.signal("TERM");
    let (status, told) = until("it says that it stops", || ready(&served).filter(|(status, _)| *status == 503));
    assert_eq!((status, &told["onderdelen"]["dienst"]["goed"]), (503, &Value::Bool(false)), "{told}");
    // Balancers that have not asked yet still send callers here.
    let sent = served.partner("loketten", "zsm", &[]);
    expect(&sent, 0);
    let begun = Instant::now();
    served.stop();
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    served.says("told to hurry");
}

#[test]
fn it_serves_on_sockets_that_it_is_handed() {
    let mut served = Served::prepare();
    // As a service manager does it: the sockets are open before the process begins, from the third descriptor on.
    let launcher = "import os, socket, sys\n\
                    names = sys.argv[1].split(':')\n\
                    open_sockets = [socket.create_server(('127.0.0.1', int(port))) for port in sys.argv[2].split(':')]\n\
                    for number, one in enumerate(open_sockets): os.dup2(one.fileno(), 3 + number), os.set_inheritable(3 + number, True)\n\
                    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=':'.join(names))\n\
                    os.execv(sys.argv[3], sys.argv[3:])\n";
    let port = served.port();
    let launch = |served: &Served, names: &str| {
        let mut python = Command::new("python3");
        let waarneming = served.waarneming();
        let (_, other) = waarneming.rsplit_once(':').unwrap();
        python.args(["-c", launcher, names, &format!("{port}:{other}"), env!("CARGO_BIN_EXE_ketenpoort")]);
        served.serve_command(python, "info")
    };
    let unknown = launch(&served, "grpc:iets").stderr(Stdio::piped()).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("de naam \"iets\"; hier kan: grpc, toezicht, beheer, waarneming"), "{unknown:?}");
    let serve = launch(&served, "grpc:waarneming");
    served.run(serve);
    expect(&until("it answers", || Some(served.partner("loketten", "zsm", &[])).filter(|of| of.status.success())), 0);
    assert_eq!(ready(&served).unwrap().0, 200);
    served.stop();
}

#[test]
fn a_start_waits_for_its_database_and_says_so() {
    let cluster = Cluster::start(&[]);
    let database = cluster.database();
    let mut served = Served::prepare();
    // Where nobody listens yet.
    let way = served.path().join("weg");
    served.configure("sqlite:ketenpoort.db", &cluster.url_through(&way, &database));
    let hasty =
        served.serve_command(ketenpoort(), "info").arg("--niet-wachten").stderr(Stdio::piped()).output().unwrap();
    assert_eq!(hasty.status.code(), Some(3), "{}", stderr(&hasty));
    assert!(stderr(&hasty).contains("geen van de databaseservers is te gebruiken"), "{}", stderr(&hasty));

    let waiting = |served: &Served| {
        let (status, told) =
            until("it waits", || ready(served).filter(|(_, told)| !told["onderdelen"]["database"].is_null()));
        assert_eq!((status, &told["gereed"]), (503, &Value::Bool(false)), "{told}");
        assert!(told["onderdelen"]["dienst"]["reden"].as_str().unwrap().contains("wacht"), "{told}");
    };
    let manager = Manager::of(&mut served);
    let launch = |served: &Served| served.serve_command(ketenpoort(), "info").stderr(Stdio::null()).spawn().unwrap();
    let mut child = launch(&served);
    waiting(&served);
    assert!(manager.hears().starts_with("EXTEND_TIMEOUT_USEC="));
    // Told to stop it does not wait any longer.
    let begun = Instant::now();
    assert_eq!(terminate(&mut child).code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    let mut child = launch(&served);
    waiting(&served);
    symlink(cluster.socket().parent().unwrap(), &way).unwrap();
    let (_, told) = until("it serves", || ready(&served).filter(|(status, _)| *status == 200));
    assert_eq!(told["gereed"], true, "{told}");
    assert_eq!(terminate(&mut child).code(), Some(0));
}

#[test]
fn a_database_that_refuses_this_user_is_not_waited_for() {
    let cluster = Cluster::start(&[]);
    let served = Served::prepare();
    let nobody = cluster.url(&cluster.database()).replace("user=ketenpoort", "user=niemand");
    served.configure("sqlite:ketenpoort.db", &nobody);
    let refused = served.serve_command(ketenpoort(), "info").stderr(Stdio::piped()).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("niemand"), "{}", stderr(&refused));
}

#[test]
fn a_filter_that_is_none_is_a_mistake() {
    let served = Served::prepare();
    let refused = served.serve_command(ketenpoort(), "luid=veel=te").stderr(Stdio::piped()).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("KETENPOORT_LOG=\"luid=veel=te\" is geen filter"), "{}", stderr(&refused));
    assert!(fs::read_dir(served.path()).unwrap().all(|of| of.unwrap().file_name() != "ketenpoort.db"));
}

#[test]
fn it_takes_as_many_open_files_as_the_system_allows_and_says_where_those_are_few() {
    let mut served = Served::prepare();
    let limited = |served: &Served, limits: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limits}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_ketenpoort")]);
        let mut serve = served.serve_command(shell, "info");
        serve.stderr(fs::File::options().create(true).append(true).open(served.path().join("stderr.txt")).unwrap());
        serve
    };
    served.run(limited(&served, "ulimit -Sn 256; ulimit -Hn 9000"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", served.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<&str> = files.split_whitespace().collect();
    assert_eq!(words[3..5], ["9000", "9000"], "{files}");
    assert!(!served.log().contains("too few files"), "{}", served.log());
    served.stop();
    served.run(limited(&served, "ulimit -n 2000"));
    served.says("too few files may be open for so many connections");
    served.stop();
}
