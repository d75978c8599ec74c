//! The process log is never in the way: where stderr or stdout is full, closed or hangs, the service does not notice.

use std::{
    fs::File,
    io::{BufRead, BufReader, PipeReader, Write, pipe},
    net::TcpStream,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    command_line::{ZVH, received, send},
    served::{Served, expect, ketenpoort, stderr, until},
    traffic::template,
};

/// What a gateway takes to stop, and some more for a busy machine; with a log that hangs it waits a moment for that.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// Exchanges something, and stops within the usual time.
fn works_and_stops(mut served: Served) {
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    assert_eq!(received(&served.partner("receive", ZVH, &[])).len(), 1);
    // What is refused is told in the log as well.
    expect(&send(&served, "zsm", "bekendheidscheck", &["--to", "om/algemeen"]), 1);
    let from = Instant::now();
    served.stop();
    assert!(from.elapsed() < STOPS_WITHIN, "it took {:?} to stop", from.elapsed());
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// A pipe that is full, because nobody reads it; it stays open as long as the reader lives.
fn hanging() -> (PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all("\n".repeat(65_536).as_bytes()).unwrap();
    (reader, writer)
}

#[test]
fn a_gateway_does_not_notice_that_its_log_is_on_a_full_disk() {
    let mut served = Served::prepare();
    let mut serve = served.serve_command(ketenpoort(), "info");
    serve.stderr(full());
    served.run(serve);
    works_and_stops(served);
}

#[test]
fn a_gateway_does_not_notice_that_nobody_has_its_log_open_any_more() {
    let mut served = Served::prepare();
    let (reader, writer) = pipe().unwrap();
    let mut serve = served.serve_command(ketenpoort(), "info");
    serve.stderr(writer);
    drop(reader);
    served.run(serve);
    works_and_stops(served);
}

#[test]
fn a_gateway_does_not_notice_that_the_reader_of_its_log_hangs_from_the_start() {
    let mut served = Served::prepare();
    let (reader, writer) = hanging();
    let mut serve = served.serve_command(ketenpoort(), "trace");
    // Both streams, as a service manager has them.
    serve.stdout(writer.try_clone().unwrap()).stderr(writer);
    served.run(serve);
    works_and_stops(served);
    drop(reader);
}

#[test]
fn a_gateway_does_not_notice_that_stderr_is_closed() {
    let mut served = Served::prepare();
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" 2>&-", env!("CARGO_BIN_EXE_ketenpoort")]);
    let mut serve = served.serve_command(shell, "info");
    serve.stdin(Stdio::null());
    served.run(serve);
    works_and_stops(served);
}

/// What keeps a gateway from starting is its exit code, whoever reads why.
#[test]
fn a_start_that_fails_has_its_exit_code_although_nobody_can_be_told_why() {
    let served = Served::prepare();
    served.configure("logboek = ", "logboek_ = ");
    let (reader, writer) = hanging();
    for to in [Stdio::from(full()), Stdio::from(writer)] {
        let mut serve = served.serve_command(ketenpoort(), "info");
        let mut child = serve.stderr(to).spawn().unwrap();
        let ended = until("the start that fails ends", || child.try_wait().unwrap());
        assert_eq!(ended.code(), Some(2), "{ended}");
    }
    drop(reader);
}

#[test]
fn what_was_lost_of_the_log_is_told_once_its_reader_goes_on() {
    let mut served = Served::prepare();
    let (reader, writer) = hanging();
    let mut serve = served.serve_command(ketenpoort(), "trace");
    serve.stderr(writer);
    served.run(serve);
    // More than the queue holds: each of these is some two hundred lines.
    for _ in 0..25 {
        expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    }
    let lines = BufReader::new(reader).lines().map(Result::unwrap);
    let told = thread::spawn(move || lines.filter(|line| line.contains("lines of the process log were lost")).count());
    served.stop();
    assert!(told.join().unwrap() > 0, "nothing was lost, or nobody was told");
}

#[test]
fn strangers_fill_no_log_and_are_counted() {
    let mut served = Served::start();
    for _ in 0..100 {
        let mut stranger = TcpStream::connect(("127.0.0.1", served.port())).unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\nHost: ketenpoort\r\n\r\n").unwrap();
        // Until it is refused.
        drop(std::io::copy(&mut stranger, &mut std::io::sink()));
    }
    served.stop();
    let log = served.log();
    assert!(log.lines().count() < 60, "{log}");
    assert!(log.contains("more lines of this kind"), "{log}");
}

#[test]
fn sighup_ends_nothing_and_reads_certificates_again() {
    let mut served = Served::start();
    // What is read at a start needs no reading again.
    served.says("the gateway is open");
    served.signal("HUP");
    served.says("certificate, key, CA's and revocation lists were read again, and count");
    let certificate = served.path().join("gateway/cert.pem");
    let good = std::fs::read(&certificate).unwrap();
    std::fs::write(&certificate, "onzin").unwrap();
    served.signal("HUP");
    served.says("nothing was read again; what was read before counts on");
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    std::fs::write(&certificate, good).unwrap();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    served.stop();
}

fn output_with(stdout: Stdio, stderr: Stdio, arguments: &[&str]) -> Output {
    ketenpoort().args(arguments).stdout(stdout).stderr(stderr).spawn().unwrap().wait_with_output().unwrap()
}

#[test]
fn a_command_does_what_it_does_although_nobody_can_be_told_so() {
    let served = Served::start();
    let dir = served.path().join("nieuw");
    let init = ["init", "--data-dir", dir.to_str().unwrap()];
    expect(&output_with(Stdio::piped(), full().into(), &init), 0);
    assert!(dir.join("ketenpoort.toml").exists());
    let file = served.path().join("bericht.json");
    std::fs::write(&file, template("bekendheidscheck").to_string()).unwrap();
    let mut sending = served.partner_command("send", "zsm", &[file.to_str().unwrap()]);
    let sent = sending.stdout(Stdio::piped()).stderr(full()).spawn().unwrap().wait_with_output().unwrap();
    assert!(expect(&sent, 0).contains("\"bericht\""));
    let config = served.config();
    let check = ["check", "--config", config.to_str().unwrap()];
    expect(&output_with(Stdio::piped(), full().into(), &check), 0);
    expect(&output_with(Stdio::piped(), full().into(), &["logboek"]), 2);
    expect(&output_with(Stdio::piped(), full().into(), &["check", "--config", "bestaat-niet"]), 2);
}

#[test]
fn data_that_cannot_be_written_is_a_failure_and_a_reader_that_left_is_none() {
    for arguments in [&["--help"][..], &["send", "--template", "scenario"], &["demo"], &["demo", "--json"]] {
        let output = output_with(full().into(), Stdio::piped(), arguments);
        expect(&output, 2);
        assert!(!stderr(&output).contains("panicked"), "{arguments:?}: {}", stderr(&output));
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = output_with(writer.into(), Stdio::piped(), arguments);
        expect(&output, 0);
        assert_eq!(stderr(&output), "", "{arguments:?}");
    }
}
