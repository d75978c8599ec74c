//! What keeps a gateway from starting is said clearly, with exit code 2.

use std::{fs, net::TcpStream};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use crate::served::{Served, expect, free_port, ketenpoort, stderr};

#[test]
fn a_second_gateway_on_the_same_database_is_refused() {
    let served = Served::start();
    // On a port of its own, so that only the database can be in the way.
    let config = served.path().join("tweede.toml");
    let text = fs::read_to_string(served.config()).unwrap();
    let adres = text.lines().find(|line| line.starts_with("adres = ")).unwrap();
    fs::write(&config, text.replace(adres, &format!("adres = \"127.0.0.1:{}\"", free_port()))).unwrap();

    let second = ketenpoort().args(["serve", "--dev", "--config"]).arg(&config).output().unwrap();

    assert_eq!(expect(&second, 2), "");
    let said = stderr(&second);
    assert!(said.contains(&served.database().display().to_string()), "names no file: {said}");
    assert!(said.contains("in gebruik") && said.contains("Stop die eerst"), "does not say what to do: {said}");
    // The first one did not notice.
    let bericht = served.path().join("bericht.json");
    fs::write(&bericht, crate::traffic::template("bekendheidscheck").to_string()).unwrap();
    expect(&served.partner("send", "zsm", &[bericht.to_str().unwrap()]), 0);
}

/// Below a regular file nobody can make a directory, not even root.
#[test]
fn an_unwritable_data_directory_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bestand");
    fs::write(&file, "geen map").unwrap();
    for verb in ["demo", "init"] {
        let output = ketenpoort().arg(verb).arg("--data-dir").arg(file.join("map")).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb}: {}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains(&file.display().to_string()) && said.contains("niet te maken"), "{verb}: {said}");
        assert!(!said.contains("panicked"), "{verb}: {said}");
    }
}

#[test]
fn development_certificates_need_the_dev_flag() {
    let served = Served::prepare();
    let output = ketenpoort().args(["serve", "--config"]).arg(served.config()).output().unwrap();
    assert_eq!(expect(&output, 2), "");
    assert!(stderr(&output).contains("--dev"), "{}", stderr(&output));
    assert!(!served.database().exists(), "it left a database behind");
    let profile = fs::read_to_string(served.profile_dir("zsm").join("profiel.toml")).unwrap();
    let adres = profile.split("https://").nth(1).unwrap().split('"').next().unwrap();
    assert!(TcpStream::connect(adres).is_err(), "something listens on {adres}");
}

/// From the moment on which its port answers, SIGTERM ends it in good order.
#[test]
fn a_gateway_that_is_stopped_at_once_ends_in_good_order() {
    let mut served = Served::prepare();
    for _ in 0..5 {
        served.serve();
        served.stop();
    }
    assert_eq!(expect(&served.logboek("search", &["--soort", "gestart"]), 0).lines().count(), 5);
}

/// What an earlier version left is brought up to date, with all that is in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_version_before_goes_on_with_what_is_in_it() {
    let mut served = Served::start();
    let mut zsm = served.client("zsm").await;
    let mut request = crate::traffic::request(crate::traffic::template("bekendheidscheck"));
    request.request_id = crate::traffic::request_id(1);
    let receipt = zsm.send(request.clone()).await.unwrap().into_inner();
    served.stop();
    let before = "DELETE FROM _sqlx_migrations WHERE version = 2; DROP TABLE dagsleutels; ALTER TABLE logboek DROP COLUMN sleutels";
    let mut database = SqliteConnectOptions::new().filename(served.database()).connect().await.unwrap();
    sqlx::raw_sql(before).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    served.serve();
    let again = served.client("zsm").await.send(request).await.unwrap().into_inner();
    assert_eq!(again, receipt);
}
