//! The schema moves on while gateways serve; an older gateway refuses a newer one, and a migration that fails changes nothing.

use std::sync::Arc;

use jiff::SignedDuration;
use sqlx::{
    AnyConnection, Connection, SqlSafeStr,
    any::install_default_drivers,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use crate::{
    history::{Load, check, mostly_allowed},
    poorten::Poorten,
    postgres::Cluster,
};

/// What a later version could do: a column in each table that is read most, and a table.
const LATER: &str = "UPDATE logboek SET id = id; ALTER TABLE postvak ADD COLUMN later TEXT; \
                     ALTER TABLE berichten ADD COLUMN later TEXT; ALTER TABLE documenten ADD COLUMN later TEXT; \
                     ALTER TABLE logregels ADD COLUMN later TEXT; CREATE TABLE later (id BIGINT PRIMARY KEY)";

/// What takes it away again.
const EARLIER: &str = "ALTER TABLE postvak DROP COLUMN later; ALTER TABLE berichten DROP COLUMN later; \
                       ALTER TABLE documenten DROP COLUMN later; ALTER TABLE logregels DROP COLUMN later; DROP TABLE later";

/// Brings the schema to a later version, as its gateway would at its start.
async fn migrate(url: &str, sql: &'static str) -> Result<(), MigrateError> {
    install_default_drivers();
    let later = Migration::new(9001, "later".into(), MigrationType::Simple, sql.into_sql_str(), false);
    let mut migrator = Migrator::with_migrations(vec![later]);
    migrator.set_ignore_missing(true);
    migrator.run(&mut AnyConnection::connect(url).await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_serve_on_while_the_schema_moves_and_an_older_one_does_not_start_on_it() {
    let cluster = Cluster::start(&[]);
    let url = cluster.url(&cluster.database());
    let mut poorten = Poorten::prepare(&[url.clone(), url.clone()]);
    poorten.serve(0);
    poorten.serve(1);
    let load = Load::start(&poorten, 6, SignedDuration::ZERO, Arc::new(mostly_allowed));
    load.more(50).await;
    migrate(&url, LATER).await.unwrap();
    load.more(100).await;
    let started = poorten.log(0).len();
    let history = load.finish(|_| false).await;
    // Not one call was failed by it.
    let log = poorten.log(0);
    assert!(!log[..started].contains("ERROR") && !poorten.log(1).contains("ERROR"), "{log}");
    poorten.stop(0);
    let refused = poorten.refuses(0);
    let said = refused;
    assert!(said.contains("heeft schema 9001, van een nieuwere ketenpoort dan deze"), "{said}");
    cluster.sql(&database_of(&url), "DELETE FROM _sqlx_migrations WHERE version = 9001");
    poorten.serve(0);
    check(&history, &poorten.regels(0), &poorten.vkey());
    // Verifying tells what this version does not know.
    cluster.sql(&database_of(&url), EARLIER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_leaves_the_schema_and_the_gateways_as_they_were() {
    let cluster = Cluster::start(&[]);
    let url = cluster.url(&cluster.database());
    let mut poorten = Poorten::prepare(std::slice::from_ref(&url));
    poorten.serve(0);
    let broken =
        "UPDATE logboek SET id = id; ALTER TABLE postvak ADD COLUMN later TEXT; ALTER TABLE nergens ADD COLUMN x TEXT";
    let failed = migrate(&url, broken).await.unwrap_err();
    assert!(matches!(failed, MigrateError::ExecuteMigration(_, 9001)), "{failed}");
    let columns = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'later'";
    assert_eq!(cluster.sql(&database_of(&url), columns), "0");
    let load = Load::start(&poorten, 2, SignedDuration::ZERO, Arc::new(mostly_allowed));
    load.more(20).await;
    check(&load.finish(|_| false).await, &poorten.regels(0), &poorten.vkey());
    poorten.stop(0);
    // The same with a migration of the gateway's own: something is in the way of its second one.
    let undo = "DELETE FROM _sqlx_migrations WHERE version = 2; ALTER TABLE logboek DROP COLUMN sleutels; \
                ALTER TABLE dagsleutels RENAME TO bewaard; CREATE TABLE dagsleutels (x BIGINT)";
    cluster.sql(&database_of(&url), undo);
    let refused = poorten.refuses(0);
    let said = refused;
    assert!(said.contains("het schema is niet bij te werken, en is gebleven zoals het was"), "{said}");
    let column = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'sleutels'";
    assert_eq!(cluster.sql(&database_of(&url), column), "0");
    // Out of the way: the schema moves on, and what the day keys open is missed until they are put back.
    cluster.sql(&database_of(&url), "DROP TABLE dagsleutels");
    let refused = poorten.refuses(0);
    assert!(refused.contains("bestaat niet (meer)"), "{refused}");
    let back = "INSERT INTO dagsleutels SELECT * FROM bewaard; \
                DROP TABLE bewaard";
    cluster.sql(&database_of(&url), back);
    poorten.serve(0);
}

fn database_of(url: &str) -> String {
    let (_, rest) = url.split_once(":///").unwrap();
    rest.split('?').next().unwrap().to_owned()
}
