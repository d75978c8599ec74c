//! What only a person at a terminal sees: how far something long has come.

use std::{
    fs,
    process::{Command, Output},
};

use crate::{
    command_line::{ZVH, send},
    served::{Served, expect, ketenpoort, stderr},
};

/// Runs `ketenpoort` with these arguments at a terminal, of which everything that was shown comes on stdout.
fn at_a_terminal(arguments: &[&str]) -> Output {
    let program = ketenpoort().get_program().to_str().unwrap().to_owned();
    let quoted =
        [program.as_str()].iter().chain(arguments).map(|part| format!("'{part}'")).collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &quoted, "/dev/null"]).env("TERM", "xterm");
    script.output().unwrap()
}

#[test]
fn verify_backup_and_restore_say_at_a_terminal_how_far_they_are_and_nowhere_else() {
    let mut served = Served::start();
    for soort in ["scenario", "bekendheidscheck"] {
        let profile = if soort == "scenario" { ZVH } else { "zsm" };
        expect(&send(&served, profile, soort, &[]), 0);
    }
    served.stop();
    let (config, copy) = (served.config(), served.path().join("kopie"));
    let (config, copy) = (config.to_str().unwrap(), copy.to_str().unwrap());
    let told = |arguments: &[&str], words: &str| {
        let shown = expect(&at_a_terminal(arguments), 0);
        assert!(shown.contains(words) && shown.contains("nog"), "{arguments:?}: {shown}");
    };
    told(&["logboek", "verify", "--config", config], "nagerekend");
    let piped = ketenpoort().args(["logboek", "verify", "--config", config]).output().unwrap();
    expect(&piped, 0);
    assert!(!stderr(&piped).contains("nagerekend"), "{}", stderr(&piped));
    told(&["backup", "--config", config, "--out", copy], "gekopieerd");
    // Into the same place, now empty.
    for file in ["ketenpoort.db", "ketenpoort.db-wal", "ketenpoort.db-shm"] {
        drop(fs::remove_file(served.path().join(file)));
    }
    told(&["restore", "--config", config, "--from", copy], "teruggezet");
}
