//! Why a database cannot be opened, each with what to do.

use std::{io, path::PathBuf};

use sqlx::migrate::MigrateError;

use crate::store::StoreError;

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
        /// Whether one of them can come back by itself.
        away: bool,
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
    /// No gateway has made its tables in it.
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

impl OpenError {
    /// Whether it can go over by itself: a server that is not there, or that is starting or ending.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::NoPrimary { away, .. } => *away,
            Self::Database { source, .. } => is_away(source),
            _ => false,
        }
    }
}

/// Whether this is said of a server that can come back: of one that refuses the name, the password or the certificate it is not.
pub(super) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        // Bytes that are not what they should be are a certificate or a program that is not meant.
        sqlx::Error::Io(error) => !matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied
        ),
        sqlx::Error::PoolTimedOut => true,
        // 57P01 to 57P03: ended, crashed, cannot connect now; 53300: too many connections; 08: the connection.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08") || code == "53300")
        }
        _ => false,
    }
}
