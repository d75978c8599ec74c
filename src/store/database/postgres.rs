//! PostgreSQL: one database, any number of gateways.
//!
//! Of the servers that are named, the one that takes writes is used; after a failure it is looked for again. At each connection
//! that writes two things are asked: whether the server writes through, and whether a standby can lack what was acknowledged. The
//! first refuses the connection. The second refuses a start that does not accept it, and is a warning later.

use std::time::Duration;

use sqlx::{
    ConnectOptions, Row,
    any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers},
};
use tokio::time::timeout;
use url::Url;

use super::open_error::{OpenError, is_away};
use crate::{
    config::{Postgres, Server},
    store::{DbConnection, Pool},
};

/// How long it may take to reach one server and to hear what it is.
const CONNECT: Duration = Duration::from_secs(3);

/// What holds for a session that writes. It has no `statement_timeout`: that would end the wait for a standby, and the commit would
/// seem to have succeeded. A session whose gateway was stopped or cut off in a transaction keeps all others from writing, so the
/// server ends it after three seconds.
///
/// A writer asks for rows by their keys, and nothing else. A plan that goes through a whole table is what PostgreSQL chooses while
/// it believes that table to be empty, and keeps until the next ANALYZE. So such plans are off, each statement is planned once, and
/// the price that PostgreSQL puts on what is off does not make it compile statements.
const WRITING: &[(&str, &str)] = &[
    ("synchronous_commit", "on"),
    ("statement_timeout", "0"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "3s"),
    ("client_connection_check_interval", "1s"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
];
/// What holds for a session that reads.
const READING: &[(&str, &str)] =
    &[("default_transaction_read_only", "on"), ("statement_timeout", "30s"), ("lock_timeout", "5s")];
/// What holds for every session. A peer that is gone without a word is noticed within some ten seconds. Notices about the schema
/// are not sent.
const EVERY: &[(&str, &str)] = &[
    ("client_min_messages", "warning"),
    ("tcp_keepalives_idle", "4"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

/// What a server says of itself.
struct Said {
    /// Whether it follows another server.
    standby: bool,
    /// How it keeps texts.
    encoding: String,
    /// A setting by which it does not write through, if any.
    unsafe_setting: Option<&'static str>,
    /// How many servers follow it, or have a place kept for them; `None` where it waits for some of them.
    unawaited: Option<i64>,
}

/// The server that takes writes.
pub(in crate::store) struct Primary {
    /// The server.
    pub(in crate::store) server: Server,
    /// A connection that writes.
    pub(in crate::store) connection: DbConnection,
    /// To connect for reading.
    pub(in crate::store) reading: AnyConnectOptions,
    /// How many servers follow it, or have a place kept for them; `None` where it waits for some of them.
    unawaited: Option<i64>,
}

impl Primary {
    /// Whether it has standbys and waits for none of them.
    pub(in crate::store) fn can_lose(&self) -> bool {
        self.unawaited.is_some_and(|standbys| standbys > 0)
    }

    /// Says in the process log what can be lost at this server.
    pub(in crate::store) fn warn(&self) {
        let server = &self.server;
        match self.unawaited {
            None => {}
            Some(0) => tracing::warn!(%server, "this server has no standby: what was acknowledged dies with its disk"),
            Some(_) => tracing::warn!(%server, "no standby is waited for: a failover can lose what was acknowledged"),
        }
    }
}

/// Connects to the server that takes writes.
pub(in crate::store) async fn connect(postgres: &Postgres) -> Result<Primary, OpenError> {
    install_default_drivers();
    let mut failures = Vec::with_capacity(postgres.servers.len());
    let mut away = false;
    for server in &postgres.servers {
        let attempt = async {
            let mut connection = options(server, WRITING)?.connect().await?;
            let said = examine(&mut connection).await?;
            Ok::<_, sqlx::Error>((connection, said))
        };
        let (connection, said) = match timeout(CONNECT, attempt).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => {
                away |= is_away(&error);
                failures.push(format!("{server}: {error}"));
                continue;
            }
            Err(_) => {
                away = true;
                failures.push(format!("{server}: antwoordt niet binnen {} s", CONNECT.as_secs()));
                continue;
            }
        };
        if said.standby {
            // One that will be promoted.
            away = true;
            failures.push(format!("{server}: is een standby"));
            continue;
        }
        if said.encoding != "UTF8" {
            return Err(OpenError::Encoding { waar: server.to_string(), found: said.encoding });
        }
        if let Some(setting) = said.unsafe_setting {
            return Err(OpenError::NotDurable { waar: server.to_string(), setting });
        }
        let reading =
            options(server, READING).map_err(|source| OpenError::Database { waar: server.to_string(), source })?;
        return Ok(Primary { server: server.clone(), connection, reading, unawaited: said.unawaited });
    }
    Err(OpenError::NoPrimary { failures, away })
}

async fn examine(connection: &mut DbConnection) -> Result<Said, sqlx::Error> {
    let row = sqlx::query(
        "SELECT pg_is_in_recovery() AS standby, current_setting('fsync') AS fsync, \
         current_setting('full_page_writes') AS full_page_writes, current_setting('server_encoding') AS encoding, \
         current_setting('synchronous_standby_names') AS synchronous_standby_names, \
         (SELECT count(*) FROM pg_stat_replication \
          WHERE coalesce(application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')) + \
         (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active) AS standbys",
    )
    .fetch_one(connection)
    .await?;
    let off = |setting: &'static str| row.try_get::<&str, _>(setting).map(|value| (value == "off").then_some(setting));
    let awaits = !row.try_get::<&str, _>("synchronous_standby_names")?.trim().is_empty();
    Ok(Said {
        standby: row.try_get("standby")?,
        encoding: row.try_get("encoding")?,
        unsafe_setting: off("fsync")?.or(off("full_page_writes")?),
        unawaited: if awaits { None } else { Some(row.try_get("standbys")?) },
    })
}

/// Connections that read, at the server of these options.
pub(in crate::store) async fn pool(options: AnyConnectOptions) -> Result<Pool, sqlx::Error> {
    AnyPoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(5)).connect_with(options).await
}

fn options(server: &Server, session: &[(&str, &str)]) -> Result<AnyConnectOptions, sqlx::Error> {
    let mut url = server.url().clone();
    let mut pairs = url.query_pairs_mut();
    pairs.append_pair("application_name", "ketenpoort").append_pair("statement-cache-capacity", "500");
    for (name, value) in session.iter().chain(EVERY) {
        pairs.append_pair(&format!("options[{name}]"), value);
    }
    drop(pairs);
    AnyConnectOptions::from_url(&url)
}

/// The URL of a pool, for connections that the pool cannot give.
pub(in crate::store) fn url_of(pool: &Pool) -> Url {
    pool.connect_options().database_url.clone()
}
