//! Opening the database: one connection that writes, a pool that reads, the schema.

use std::{io, path::PathBuf, sync::Arc};

use sqlx::{Connection, migrate::MigrateError};

use super::{
    DbConnection, Pool, StoreError,
    dagsleutels::Connections,
    dialect::Dialect,
    passed::PassedOver,
    postgres::{self, Primary},
    postvak::moment,
    source::Source,
    sqlite::{self, SqliteFile},
    wake::Wakers,
    writer::Writer,
};
use crate::{config::Opslag, domain::Klok};

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it cannot be used.
    #[error("{path}: {source}. Controleer of de map bestaat, beschrijfbaar is en van deze gebruiker.")]
    Io {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another gateway uses this file.
    #[error(
        "{0} is al in gebruik door een andere poort. Stop die eerst: op een SQLite-database draait hoogstens een poort. \
         Meer poorten vragen PostgreSQL."
    )]
    InUse(PathBuf),
    /// The logboek in it has another name.
    #[error(
        "deze database hoort bij logboek {found}, de configuratie noemt {wanted}. Gebruik de database of de naam die bij elkaar horen."
    )]
    OtherLogboek {
        /// In the database.
        found: String,
        /// In the configuration.
        wanted: String,
    },
    /// The logboek in it was begun with other keys.
    #[error(
        "de sleutels in [sleutels] map zijn niet die van deze database: ze tekenen, versleutelen of zoeken anders. Zet de kopie \
         van een andere poort op deze database terug, of die u apart bewaart; de poort schrijft niets."
    )]
    OtherKeys,
    /// The keys were used for a logboek, and there is none in the database.
    #[error(
        "met de sleutels in [sleutels] map is al een logboek begonnen, en deze database is leeg. Wijs de goede database aan of zet \
         een reservekopie terug: verdergaan zou het logboek splitsen. Begint u echt opnieuw, gebruik dan een lege sleutelmap."
    )]
    LogboekGone,
    /// The database itself.
    #[error("database {waar}: {source}")]
    Database {
        /// Which one.
        waar: String,
        /// What it said.
        source: sqlx::Error,
    },
    /// None of the servers takes writes.
    #[error(
        "geen van de databaseservers is te gebruiken:\n  {}\nControleer adres, rechten en certificaten, en of er een primaire server is.",
        failures.join("\n  ")
    )]
    NoPrimary {
        /// What each of them said.
        failures: Vec<String>,
    },
    /// The server can lose what it acknowledged.
    #[error(
        "database {waar}: {setting} staat uit; een stroomstoring kost dan bevestigde berichten. Zet het aan; zo start de poort niet."
    )]
    NotDurable {
        /// Which one.
        waar: String,
        /// The setting.
        setting: &'static str,
    },
    /// A standby can lack what was acknowledged.
    #[error(
        "database {waar} heeft een standby waarop niet gewacht wordt: na een uitwijk kunnen bevestigde berichten ontbreken. Zet \
         synchronous_standby_names op die server, of aanvaard dit verlies met [opslag] asynchroon_aanvaard = true. Loopt er alleen \
         een pg_basebackup of pg_receivewal, geef dan deze gebruiker de rol pg_monitor: dan ziet de poort dat."
    )]
    Asynchronous {
        /// Which one.
        waar: String,
    },
    /// A newer version of the gateway changed the schema.
    #[error(
        "database {waar} heeft schema {versie}, van een nieuwere ketenpoort dan deze. Start die nieuwere versie; deze oudere schrijft niets."
    )]
    NewerSchema {
        /// Which one.
        waar: String,
        /// The newest migration in it.
        versie: i64,
    },
    /// An older version of the gateway made the schema, and it is only read here.
    #[error(
        "database {waar} heeft nog het schema van een oudere ketenpoort. Start eerst de poort van deze versie: die werkt het bij."
    )]
    OlderSchema {
        /// Which one.
        waar: String,
    },
    /// There is no logboek in it.
    #[error(
        "database {waar} is er geen van ketenpoort, of er heeft nog geen poort op gedraaid. Controleer [opslag] url."
    )]
    NoSchema {
        /// Which one.
        waar: String,
    },
    /// It cannot keep every text.
    #[error(
        "database {waar} heeft tekencodering {found}; ketenpoort vraagt UTF8. Maak de database opnieuw met ENCODING 'UTF8' \
         TEMPLATE template0."
    )]
    Encoding {
        /// Which one.
        waar: String,
        /// Its encoding.
        found: String,
    },
    /// The schema cannot be brought up to date.
    #[error(
        "database {waar}: het schema is niet bij te werken, en is gebleven zoals het was: {source}. Mag deze gebruiker er tabellen \
         maken, en is de database van ketenpoort alleen? Zo ja, draai de vorige versie door en meld dit."
    )]
    Migrate {
        /// Which one.
        waar: String,
        /// What is wrong.
        source: MigrateError,
    },
    /// What stands in it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A database, opened for writing.
pub struct Database {
    pub(super) writer: DbConnection,
    /// For reading.
    pub read: Pool,
    /// Last, so that the lock on a SQLite file goes after its connections.
    pub(super) source: Source,
}

/// The reading side, and the way to the writer.
#[derive(Clone)]
pub struct Store {
    /// For reading.
    pub read: Pool,
    /// Takes everything that changes something.
    pub writer: Writer,
    /// Wakes those who wait at a postvak.
    pub wakers: Wakers,
    /// Rows that are passed over.
    pub passed: Arc<PassedOver>,
    pub(super) connections: Connections,
    /// How far the clock of a gateway may be from that of the database, seconds.
    pub(super) most_apart: u64,
}

impl Store {
    /// Tells the clock of this gateway what the database says of the time, where the database has a clock of its own.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tell_time(&self, klok: &Klok) -> Result<(), StoreError> {
        let mut connection = self.read.acquire().await?;
        if let Some(time) = Dialect::of(&connection).time() {
            let theirs: i64 = sqlx::query_scalar(time).fetch_one(&mut *connection).await?;
            klok.heard_database(moment(theirs), self.most_apart);
        }
        Ok(())
    }
}

impl Database {
    /// Opens it for a gateway, making the file and bringing the schema up to date if needed.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn open(opslag: &Opslag) -> Result<Self, OpenError> {
        match opslag {
            Opslag::Sqlite { bestand, grootste_mebibytes } => {
                let file = SqliteFile::take(bestand, *grootste_mebibytes)?;
                let waar = file.to_string();
                let failed = |source| OpenError::Database { waar: waar.clone(), source };
                let mut writer = file.connect().await.map_err(failed)?;
                migrate(&mut writer, &waar).await?;
                SqliteFile::fold(&mut writer).await.map_err(failed)?;
                let read = file.pool().await.map_err(failed)?;
                Ok(Self { source: Source::Sqlite(file), writer, read })
            }
            Opslag::Postgres(postgres) => {
                let primary = postgres::connect(postgres).await?;
                let waar = primary.server.to_string();
                primary.warn();
                if primary.can_lose() && !postgres.asynchroon_aanvaard {
                    return Err(OpenError::Asynchronous { waar });
                }
                let Primary { connection: mut writer, reading, .. } = primary;
                migrate(&mut writer, &waar).await?;
                let read = postgres::pool(reading).await.map_err(|source| OpenError::Database { waar, source })?;
                Ok(Self { source: Source::Postgres(postgres.clone()), writer, read })
            }
        }
    }

    /// Opens an existing database for reading only, beside running gateways or without one.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn read_only(opslag: &Opslag) -> Result<Pool, OpenError> {
        match opslag {
            Opslag::Sqlite { bestand, .. } => {
                let read = sqlite::read_only(bestand).await?;
                Self::check_schema(&read, bestand.display().to_string()).await?;
                Ok(read)
            }
            Opslag::Postgres(postgres) => {
                let Primary { server, reading, .. } = postgres::connect(postgres).await?;
                let waar = server.to_string();
                let failed = |source| OpenError::Database { waar: waar.clone(), source };
                let read = postgres::pool(reading).await.map_err(failed)?;
                Self::check_schema(&read, waar).await?;
                Ok(read)
            }
        }
    }

    /// Whether a pool sees the schema of this version.
    async fn check_schema(read: &Pool, waar: String) -> Result<(), OpenError> {
        let mut connection =
            read.acquire().await.map_err(|source| OpenError::Database { waar: waar.clone(), source })?;
        let newest = Dialect::of(&connection).schema().iter().map(|migration| migration.version).max();
        match newest_migration(&mut connection).await {
            Ok(versie) if Some(versie) > newest => Err(OpenError::NewerSchema { waar, versie }),
            Ok(versie) if Some(versie) < newest => Err(OpenError::OlderSchema { waar }),
            Ok(_) => Ok(()),
            Err(error) if error.as_database_error().is_some() => Err(OpenError::NoSchema { waar }),
            Err(source) => Err(OpenError::Database { waar, source }),
        }
    }

    /// Closes it without having written.
    pub async fn close(self) {
        self.read.close().await;
        // Closing the last connection folds the WAL into the file; a failure leaves it for the next start.
        drop(self.writer.close().await);
    }
}

/// The newest migration that was carried out.
async fn newest_migration(connection: &mut DbConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(connection).await
}

/// Brings the schema up to date. A migration that fails leaves the one before. Where there is nothing to do a role that may only read
/// and write is enough.
async fn migrate(connection: &mut DbConnection, waar: &str) -> Result<(), OpenError> {
    let schema = Dialect::of(connection).schema();
    let newest = schema.iter().map(|migration| migration.version).max();
    if newest_migration(connection).await.ok() == newest {
        return Ok(());
    }
    schema.run(connection).await.map_err(|source| match source {
        MigrateError::VersionMissing(versie) => OpenError::NewerSchema { waar: waar.to_owned(), versie },
        source => OpenError::Migrate { waar: waar.to_owned(), source },
    })
}
