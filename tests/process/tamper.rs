//! Promise 6: whatever is changed in the database, `logboek verify` finds it and names the first bad index.

use std::{fs, path::Path};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    served::{Served, expect, ketenpoort, logboek, stderr},
    traffic::{request, request_id, send, template},
};

/// Sent one after the other, each in its own transaction: regel 0 is `gestart`, 1 to 8 are what came in force, and
/// bericht n stands at index n + 8. `gestopt` is the last.
const ALONE: u64 = 12;
/// Enough to fill the first tile.
const TOGETHER: u64 = 260;

/// What is changed, and what verify must say of it.
struct Tampering {
    sql: &'static str,
    says: &'static str,
}

const TAMPERINGS: &[Tampering] = &[
    // A regel that says something else.
    Tampering {
        sql: "UPDATE logregels SET regel = CAST(replace(CAST(regel AS TEXT), '\"rol\":\"partner\"', '\"rol\":\"beheer\"') \
              AS BLOB) WHERE log_index = 15",
        says: "logregel 15:",
    },
    // The same, by someone who gives it the hash of another regel too.
    Tampering {
        sql: "UPDATE logregels SET (regel, hash, bericht) = (SELECT regel, hash, bericht FROM logregels WHERE log_index = 14) \
              WHERE log_index = 15",
        says: "logregel 15:",
    },
    // Two regels change places.
    Tampering {
        sql: "UPDATE logregels SET log_index = -1 WHERE log_index = 11; UPDATE logregels SET log_index = 11 WHERE log_index = 12; \
              UPDATE logregels SET log_index = 12 WHERE log_index = -1",
        says: "logregel 11:",
    },
    Tampering { sql: "DELETE FROM logregels WHERE log_index = 17", says: "logregel 17:" },
    // The bericht that a regel is about.
    Tampering { sql: "UPDATE logregels SET bericht = NULL WHERE log_index = 13", says: "logregel 13:" },
    // The last regel.
    Tampering {
        sql: "DELETE FROM logregels WHERE log_index = (SELECT max(log_index) FROM logregels)",
        says: "logregel 281:",
    },
    // The last regel, with its checkpoint and its bericht.
    Tampering {
        sql: "DELETE FROM checkpoints WHERE grootte > 280; DELETE FROM postvak WHERE log_index = 280; \
              DELETE FROM logregels WHERE log_index >= 280",
        says: "280",
    },
    // Longer in use than was agreed.
    Tampering {
        sql: "UPDATE postvak SET houdbaar_tot_en_met = '2099-01-01' WHERE log_index = 13",
        says: "logregel 13:",
    },
    Tampering { sql: "UPDATE postvak SET grondslag = 'pbw-18b' WHERE log_index = 13", says: "logregel 13:" },
    Tampering { sql: "DELETE FROM postvak WHERE log_index = 16", says: "logregel 16:" },
    Tampering {
        sql: "UPDATE berichten SET berichtsoort = 'scenario' WHERE id = (SELECT bericht FROM postvak WHERE log_index = 12)",
        says: "logregel 12:",
    },
    // The first tile of the tree, full, and the one above it.
    Tampering { sql: "UPDATE tegels SET hashes = zeroblob(8192) WHERE niveau = 0 AND nummer = 0", says: "tegel" },
    Tampering { sql: "UPDATE tegels SET hashes = zeroblob(32) WHERE niveau = 1", says: "tegel" },
    Tampering { sql: "DELETE FROM tegels WHERE niveau = 0", says: "tegel" },
    // A checkpoint of another moment: properly signed, but not of these regels.
    Tampering {
        sql: "UPDATE checkpoints SET nota = (SELECT nota FROM checkpoints WHERE grootte = 12) WHERE grootte = 15",
        says: "logregel 14:",
    },
    Tampering {
        sql: "UPDATE checkpoints SET nota = replace(nota, char(10) || '15' || char(10), char(10) || '16' || char(10)) WHERE grootte = 15",
        says: "grootte 15:",
    },
    // The head.
    Tampering { sql: "UPDATE logboek SET nota = (SELECT nota FROM checkpoints WHERE grootte = 15)", says: "282" },
];

/// The rows beside the logboek, which decide who gets what: each must say what its regel says, and have one.
const BESIDE: &[Tampering] = &[
    Tampering { sql: "UPDATE postvak SET partner = 'om' WHERE log_index = 13", says: "logregel 13:" },
    Tampering { sql: "UPDATE postvak SET in_antwoord_op = zeroblob(16) WHERE log_index = 13", says: "logregel 13:" },
    Tampering {
        sql: "UPDATE berichten SET afzender_oin = '00000099000000103000' \
              WHERE id = (SELECT bericht FROM postvak WHERE log_index = 13)",
        says: "logregel 13:",
    },
    Tampering {
        sql: "UPDATE berichten SET gesprek = zeroblob(16) WHERE id = (SELECT bericht FROM postvak WHERE log_index = 13)",
        says: "logregel 13:",
    },
    // One more ontvanger, whom no regel names.
    Tampering {
        sql: "INSERT INTO postvak SELECT -1, bericht, 'om', loket, oin, grondslag, regel, convenant, \
              verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud, sleutel, in_antwoord_op, toestand, verplaatst_door, beeindigd_door, \
              poging, gelezen, lease_tot, weigering, beoordeeld_versie, beoordeeld_dag, bevestigd, terugkoppeling_open, \
              vernietiging FROM postvak WHERE log_index = 13",
        says: "postvak",
    },
    // Content that is gone, without a regel that says so.
    Tampering { sql: "UPDATE postvak SET sleutel = NULL WHERE log_index = 13", says: "beeindigingen" },
    Tampering {
        sql: "UPDATE berichten SET inhoud = NULL WHERE id = (SELECT bericht FROM postvak WHERE log_index = 13)",
        says: "logregel 13:",
    },
    // A state that no regel brought about, or another one than the regel that it names.
    Tampering { sql: "UPDATE postvak SET toestand = 'ingetrokken' WHERE log_index = 13", says: "logregel 13:" },
    Tampering {
        sql: "UPDATE postvak SET toestand = 'bevestigd', verplaatst_door = 14 WHERE log_index = 13",
        says: "postvak",
    },
    // What the gateway itself goes by must agree with the copy that it looks up by.
    Tampering {
        sql: "UPDATE berichten SET in_antwoord_op = zeroblob(16) WHERE id = (SELECT bericht FROM postvak WHERE log_index = 13)",
        says: "logregel 13:",
    },
    // As if the gateway had sent it.
    Tampering {
        sql: "UPDATE berichten SET afzender_partner = 'ketenpoort' \
              WHERE id = (SELECT bericht FROM postvak WHERE log_index = 13)",
        says: "logregel 13:",
    },
    Tampering {
        sql: "UPDATE berichten SET vervangt = zeroblob(16) WHERE id = (SELECT bericht FROM postvak WHERE log_index = 13)",
        says: "logregel 13:",
    },
    // What was in force, rewritten, removed or made up afterwards.
    Tampering {
        sql: "UPDATE documenten SET tekst = replace(tekst, 'houdbaarheid_maanden = 3', 'houdbaarheid_maanden = 2') \
              WHERE log_index = 3",
        says: "logregel 3:",
    },
    Tampering { sql: "DELETE FROM documenten WHERE log_index = 1", says: "logregel 1:" },
    Tampering {
        sql: "INSERT INTO documenten SELECT 99, soort, naam, tijd, hash, tekst FROM documenten WHERE log_index = 4",
        says: "documenten zonder logregel",
    },
    // Values of another type than the column's.
    Tampering { sql: "UPDATE postvak SET grondslag = zeroblob(3) WHERE log_index = 13", says: "logregel 13:" },
    Tampering { sql: "UPDATE checkpoints SET nota = zeroblob(3) WHERE grootte = 15", says: "15" },
];

/// What is kept of the content, which no regel repeats: found by opening it.
const CONTENT: &[&str] = &[
    "UPDATE berichten SET inhoud = CAST(substr(inhoud, 1, 60) || x'00' || substr(inhoud, 62) AS BLOB) WHERE id = (SELECT bericht FROM postvak \
     WHERE log_index = 13)",
    "UPDATE berichten SET inhoud = substr(inhoud, 1, 20) WHERE id = (SELECT bericht FROM postvak WHERE log_index = 13)",
    "UPDATE postvak SET sleutel = (SELECT sleutel FROM postvak WHERE log_index = 14) WHERE log_index = 13",
];

#[tokio::test(flavor = "multi_thread")]
async fn content_that_does_not_open_is_found_and_a_backup_warns_of_it() {
    let served = a_logboek_of_282_regels().await;
    for sql in CONTENT {
        let changed = copy(&served);
        change(&changed.path().join("ketenpoort.db"), sql).await;
        let config = changed.path().join("ketenpoort.toml");
        let output = logboek(&config, "verify", &["--json"]);
        let (told, said) = (expect(&output, 1), stderr(&output));
        assert!(told.contains("\"logboek\":\"ok\"") && told.contains("regel 13"), "{sql}: {told}");
        assert!(said.contains("regel 13") && !said.contains("regel 14"), "{sql}: {said}");
        let mut backup = ketenpoort();
        backup.args(["backup", "--config"]).arg(&config).arg("--out").arg(changed.path().join("reserve.kopie"));
        let output = backup.output().unwrap();
        expect(&output, 0);
        assert!(stderr(&output).contains("regel 13"), "{sql}: {}", stderr(&output));
    }
    // Without the keys nobody can say anything of the content, and verify says that.
    let without = copy(&served);
    fs::remove_file(without.path().join("sleutels/wortel-1.key")).unwrap();
    let said = expect(&logboek(&without.path().join("ketenpoort.toml"), "verify", &[]), 0);
    assert!(said.contains("Het logboek klopt") && said.contains("NIET gecontroleerd"), "{said}");
}

async fn a_logboek_of_282_regels() -> Served {
    let mut served = Served::start();
    let base = request(template("bekendheidscheck"));
    let mut zsm = served.client("zsm").await;
    let numbered = |number| ketenpoort::proto::SendRequest { request_id: request_id(number), ..base.clone() };
    for number in 0..ALONE {
        send(&served, "zsm", &mut zsm, &numbered(number)).await.unwrap();
    }
    let mut sending = JoinSet::new();
    for number in ALONE..ALONE + TOGETHER {
        let (mut zsm, request) = (zsm.clone(), numbered(number));
        sending.spawn(async move { zsm.send(request).await.map(drop) });
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap().unwrap();
    }
    drop(zsm);
    served.stop();
    served
}

/// A copy of what verify reads.
fn copy(served: &Served) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_directory(served.path(), to.path());
    to
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn change(database: &Path, sql: &'static str) {
    let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    let changed = sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    assert!(changed.rows_affected() > 0, "nothing was changed by {sql}");
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_regel_is_found_by_its_index() {
    let served = a_logboek_of_282_regels().await;
    each_is_found(&served, TAMPERINGS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_contradicts_its_regel_is_found() {
    let served = a_logboek_of_282_regels().await;
    each_is_found(&served, BESIDE).await;
}

/// Reports all that were missed at once.
async fn each_is_found(served: &Served, tamperings: &[Tampering]) {
    let untouched = copy(served);
    let said = expect(&logboek(&untouched.path().join("ketenpoort.toml"), "verify", &[]), 0);
    assert!(said.contains("282 regels"), "{said}");
    let mut missed = Vec::new();
    for Tampering { sql, says } in tamperings {
        let changed = copy(served);
        change(&changed.path().join("ketenpoort.db"), sql).await;
        let output = logboek(&changed.path().join("ketenpoort.toml"), "verify", &["--json"]);
        let (code, said, told) = (output.status.code(), stderr(&output), String::from_utf8_lossy(&output.stdout));
        if code != Some(1) || !said.contains(says) || !told.contains("\"logboek\":\"fout\"") {
            missed.push(format!("{sql}\n  exit {code:?}, must name {says:?}: {said}{told}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
