//! A row of the postvak: one bericht for one ontvanger, read and compared with its regel.

mod actor;

use jiff::{Timestamp, civil::Date};
use sqlx::{Row, any::AnyArguments, query::Query};

pub use self::actor::Actor;
use super::{Db, DbConnection, DbRow, StoreError, berichten::bericht_id, dialect::Dialect, toestand::Toestand, uint};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Oin, Rol, Stempel, VanKracht, Vernietiging, Weigering, still_allowed},
    logboek::{Logregel, Soort},
    sleutels::{Opener, Opening, WrapContext},
};

/// The rows of a postvak with what is needed of their bericht; takes what is wanted besides and the rest of the statement as literals.
/// Columns are named: with a star a prepared statement would break when a newer version adds one.
macro_rules! rows_sql {
    ($also:literal, $rest:literal) => {
        concat!(
            "SELECT p.log_index, p.bericht, p.partner, p.loket, p.oin, p.grondslag, p.regel, p.convenant, p.verwerkingsactiviteit, \
             p.houdbaar_tot_en_met, p.bewaar_inhoud, p.in_antwoord_op, p.toestand, p.stand, p.beeindigd, p.poging, \
             p.gelezen, p.weigering, p.bevestigd, p.terugkoppeling_open, p.vernietiging, b.afzender_partner, b.afzender_loket, \
             b.afzender_oin, b.berichtsoort, b.gesprek, b.in_antwoord_op AS volgt, b.vervangt, b.tijd",
            $also,
            " FROM postvak p JOIN berichten b ON b.id = p.bericht ",
            $rest
        )
    };
}
pub(super) use rows_sql;

/// The same with what it takes to open content.
macro_rules! sealed_sql {
    ($rest:literal) => {
        crate::store::rij::rows_sql!(", p.sleutel, b.inhoud", $rest)
    };
}
pub(super) use sealed_sql;

/// Rows without content, as a statement.
macro_rules! select_rows {
    ($rest:literal) => {
        sqlx::query(crate::store::rij::rows_sql!("", $rest))
    };
}
pub(super) use select_rows;

macro_rules! indexes_sql {
    ($rest:literal) => {
        concat!("SELECT p.log_index FROM postvak p JOIN berichten b ON b.id = p.bericht ", $rest)
    };
}
pub(super) use indexes_sql;

/// Two texts for [`read_each`]: what gives rows without content, and what gives only their indexes.
macro_rules! rows_and_indexes {
    ($rest:literal) => {
        (crate::store::rij::rows_sql!("", $rest), crate::store::rij::indexes_sql!($rest))
    };
}
pub(super) use rows_and_indexes;

/// The same of rows with what it takes to open content.
macro_rules! sealed_and_indexes {
    ($rest:literal) => {
        (crate::store::rij::sealed_sql!($rest), crate::store::rij::indexes_sql!($rest))
    };
}
pub(super) use sealed_and_indexes;

/// What is read of a row: with content or without.
pub(super) trait ReadRow: Sized {
    /// The statement that reads one row, by its index.
    const ONE: &'static str;
    /// The statement that reads one row, by its bericht, partner and loket.
    const AT: &'static str;

    /// From a row of such a statement.
    fn read(row: &DbRow) -> Result<Self, StoreError>;
}

/// A row that was looked at: its index, and what it holds or what is wrong with it.
pub(super) type Looked<T> = (i64, Result<T, StoreError>);

/// Reads many rows, the damaged ones apart. Text that is none fails a statement as a whole; then each row is asked for by itself.
pub(super) async fn read_each<T: ReadRow>(
    connection: &mut DbConnection,
    rows: Query<'_, Db, AnyArguments>,
    indexes: Query<'_, Db, AnyArguments>,
) -> Result<Vec<Looked<T>>, StoreError> {
    let dialect = Dialect::of(connection);
    match rows.fetch_all(&mut *connection).await {
        Ok(rows) => rows.iter().map(|row| Ok((row.try_get("log_index")?, T::read(row)))).collect(),
        Err(error) if dialect.is_in_trouble(&error) => Err(error.into()),
        Err(_) => {
            let mut looked = Vec::new();
            for row in indexes.fetch_all(&mut *connection).await? {
                let log_index: i64 = row.try_get("log_index")?;
                looked.push((log_index, read_one(connection, log_index).await?));
            }
            Ok(looked)
        }
    }
}

/// A row, or what is wrong with it.
async fn read_one<T: ReadRow>(
    connection: &mut DbConnection,
    log_index: i64,
) -> Result<Result<T, StoreError>, StoreError> {
    let dialect = Dialect::of(connection);
    match sqlx::query(T::ONE).bind(log_index).fetch_one(&mut *connection).await {
        Ok(row) => Ok(T::read(&row)),
        Err(error) if dialect.is_in_trouble(&error) => Err(error.into()),
        Err(error) => {
            let bericht = sqlx::query_scalar("SELECT bericht FROM postvak WHERE log_index = $1").bind(log_index);
            let bericht: Vec<u8> = bericht.fetch_one(connection).await?;
            let which = format!("{log_index} (bericht {})", bericht_id(&bericht, "postvak")?);
            Ok(Err(StoreError::inconsistent("postvak", "een kolom", format!("{which}: {error}"))))
        }
    }
}

/// Says of an error in which row it is.
fn in_row(row: &DbRow, error: StoreError) -> StoreError {
    let log_index: i64 = row.try_get("log_index").unwrap_or(-1);
    let bericht = row.try_get::<Vec<u8>, _>("bericht").ok().and_then(|id| bericht_id(&id, "postvak").ok());
    let which = bericht.map_or_else(|| log_index.to_string(), |bericht| format!("{log_index} (bericht {bericht})"));
    match error {
        StoreError::Database(error) => StoreError::inconsistent("postvak", "een kolom", format!("{which}: {error}")),
        StoreError::Inconsistent { table, column, .. } => StoreError::inconsistent(table, column, which),
        other => other,
    }
}

/// A bericht for one ontvanger.
#[derive(Clone, Debug)]
pub struct PostvakRij {
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
    /// The bericht.
    pub bericht: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// The sender as the logboek writes it: OIN/loket.
    pub afzender_adres: String,
    /// Who gets it.
    pub ontvanger: Adres,
    /// The ontvanger as the logboek writes it: OIN/loket.
    pub ontvanger_adres: String,
    /// The OIN of the ontvanger that it was stamped for.
    pub oin: Oin,
    /// The stamp.
    pub stempel: Stempel,
    /// What it answers.
    pub in_antwoord_op: Option<BerichtId>,
    /// What it replaced.
    pub vervangt: Option<BerichtId>,
    /// When it was accepted, microseconds.
    pub micros: i64,
    /// Where it stands.
    pub toestand: Toestand,
    /// Index of the regel that made it so.
    pub stand: u64,
    /// Index of the regel that ended its content.
    pub beeindigd: Option<u64>,
    /// How often it was handed out.
    pub poging: u32,
    /// Whether it was read with Fetch.
    pub gelezen: bool,
    /// The code of the weigering by which it was refused at delivery the last time.
    pub weigering: Option<String>,
    /// Of a scenario: since when it was consulted without a terugkoppeling since, microseconds.
    pub terugkoppeling_open: Option<i64>,
    /// What its ontvanger did with its copy after a vernietigingsverzoek.
    pub vernietiging: Option<Vernietiging>,
    /// When it was confirmed, microseconds.
    pub bevestigd: Option<i64>,
}

/// A bericht for one ontvanger, with its content.
pub(super) struct Verzegeld {
    pub(super) rij: PostvakRij,
    /// The wrapped data key, as long as it is kept.
    sleutel: Option<Vec<u8>>,
    /// The sealed content, as long as it is kept.
    inhoud: Option<Vec<u8>>,
}

impl ReadRow for Verzegeld {
    const ONE: &'static str = sealed_sql!("WHERE p.log_index = $1");
    const AT: &'static str = sealed_sql!("WHERE p.bericht = $1 AND p.partner = $2 AND p.loket = $3");

    fn read(row: &DbRow) -> Result<Self, StoreError> {
        let rij = PostvakRij::read(row)?;
        let bytes = |column| row.try_get(column).map_err(|error| in_row(row, StoreError::Database(error)));
        Ok(Self { rij, sleutel: bytes("sleutel")?, inhoud: bytes("inhoud")? })
    }
}

impl Verzegeld {
    /// Opens its content, as its ontvanger.
    pub(super) fn open(&self, opener: &dyn Opener) -> Opening {
        let (Some(wrapped), Some(sealed)) = (&self.sleutel, &self.inhoud) else { return Opening::Damaged };
        let PostvakRij { bericht, afzender, ontvanger, stempel, .. } = &self.rij;
        opener.open(&WrapContext { bericht: *bericht, afzender, ontvanger, stempel }, wrapped, sealed)
    }
}

impl ReadRow for PostvakRij {
    const ONE: &'static str = rows_sql!("", "WHERE p.log_index = $1");
    const AT: &'static str = rows_sql!("", "WHERE p.bericht = $1 AND p.partner = $2 AND p.loket = $3");

    fn read(row: &DbRow) -> Result<Self, StoreError> {
        Self::decode(row).map_err(|error| in_row(row, error))
    }
}

/// Whether a stamp still holds for an ontvanger and the OIN that it was given for.
pub(super) fn stamp_holds(
    soort: Berichtsoort,
    afzender: &Adres,
    (ontvanger, oin): (&Adres, &Oin),
    stempel: &Stempel,
    van_kracht: &VanKracht,
    now: Timestamp,
) -> Result<(), Weigering> {
    still_allowed(soort, afzender, ontvanger, stempel, van_kracht, now)?;
    if van_kracht.partner_at(ontvanger)?.oins.contains(oin) { Ok(()) } else { Err(Weigering::OntvangerAnders) }
}

/// The stamp in a row.
fn stempel(row: &DbRow, log_index: u64) -> Result<Stempel, StoreError> {
    let wrong = |column| StoreError::inconsistent("postvak", column, log_index);
    Ok(Stempel {
        grondslag: row.try_get("grondslag")?,
        regel: row.try_get("regel")?,
        convenant: row.try_get("convenant")?,
        verwerkingsactiviteit: row.try_get("verwerkingsactiviteit")?,
        houdbaar_tot_en_met: row
            .try_get::<&str, _>("houdbaar_tot_en_met")?
            .parse::<Date>()
            .map_err(|_| wrong("houdbaar_tot_en_met"))?,
        bewaar_inhoud: row.try_get::<&str, _>("bewaar_inhoud")?.parse().map_err(|()| wrong("bewaar_inhoud"))?,
    })
}

impl PostvakRij {
    /// Whether its stamp still holds, so that it may be handed out: what is in force allows it, and its ontvanger is still the
    /// organisation that it was stamped for. A name that was given to another one does not give away old post.
    ///
    /// # Errors
    /// The [`Weigering`] that the sender is told.
    pub fn may_be_handed(&self, van_kracht: &VanKracht, now: Timestamp) -> Result<(), Weigering> {
        stamp_holds(self.soort, &self.afzender, (&self.ontvanger, &self.oin), &self.stempel, van_kracht, now)
    }

    fn decode(row: &DbRow) -> Result<Self, StoreError> {
        let log_index = uint(row.try_get("log_index")?);
        let wrong = |column| StoreError::inconsistent("postvak", column, log_index);
        let adres = |partner, loket| {
            let partner: &str = row.try_get(partner)?;
            let loket: &str = row.try_get(loket)?;
            Ok::<_, StoreError>(Adres {
                partner: partner.parse().map_err(|_| wrong("partner"))?,
                loket: loket.parse().map_err(|_| wrong("loket"))?,
            })
        };
        let afzender = adres("afzender_partner", "afzender_loket")?;
        let ontvanger = adres("partner", "loket")?;
        let oin: Oin = row.try_get::<&str, _>("oin")?.parse().map_err(|_| wrong("oin"))?;
        let toestand = usize::try_from(row.try_get::<i64, _>("toestand")?).ok().and_then(|at| Toestand::ALL.get(at));
        let optional_id = |column| {
            let bytes = row.try_get::<Option<Vec<u8>>, _>(column)?;
            bytes.map(|bytes| bericht_id(&bytes, "postvak")).transpose()
        };
        // The postvak has a copy, by which the answers to an Ask are found.
        let in_antwoord_op = optional_id("in_antwoord_op")?;
        if in_antwoord_op != optional_id("volgt")? {
            return Err(wrong("in_antwoord_op"));
        }
        Ok(Self {
            log_index,
            bericht: bericht_id(row.try_get("bericht")?, "postvak")?,
            gesprek: bericht_id(row.try_get("gesprek")?, "berichten")?,
            soort: row.try_get::<&str, _>("berichtsoort")?.parse().map_err(|()| wrong("berichtsoort"))?,
            afzender_adres: format!("{}/{}", row.try_get::<&str, _>("afzender_oin")?, afzender.loket),
            ontvanger_adres: format!("{oin}/{}", ontvanger.loket),
            oin,
            afzender,
            ontvanger,
            stempel: stempel(row, log_index)?,
            in_antwoord_op,
            vervangt: optional_id("vervangt")?,
            micros: row.try_get("tijd")?,
            toestand: *toestand.ok_or_else(|| wrong("toestand"))?,
            stand: uint(row.try_get("stand")?),
            beeindigd: row.try_get::<Option<i64>, _>("beeindigd")?.map(uint),
            poging: u32::try_from(row.try_get::<i64, _>("poging")?).map_err(|_| wrong("poging"))?,
            gelezen: row.try_get::<i64, _>("gelezen")? != 0,
            weigering: row.try_get("weigering")?,
            terugkoppeling_open: row.try_get("terugkoppeling_open")?,
            vernietiging: row
                .try_get::<Option<&str>, _>("vernietiging")?
                .map(str::parse)
                .transpose()
                .map_err(|()| wrong("vernietiging"))?,
            bevestigd: row.try_get("bevestigd")?,
        })
    }

    /// Whether its ontvanger has seen the content.
    #[must_use]
    pub fn kreeg(&self) -> bool {
        self.poging > 0 || self.gelezen
    }

    /// A regel about this bericht and ontvanger.
    pub(super) fn regel(&self, soort: Soort, actor: &Actor) -> Logregel {
        Logregel {
            gesprek: Some(self.gesprek.to_string()),
            afzender: Some(self.afzender_adres.clone()),
            ontvanger: Some(self.ontvanger_adres.clone()),
            berichtsoort: Some(self.soort.to_string()),
            grondslag: Some(self.stempel.grondslag.clone()),
            regel: Some(self.stempel.regel.clone()),
            verwerkingsactiviteit: Some(self.stempel.verwerkingsactiviteit.clone()),
            convenant: Some(self.stempel.convenant.clone()),
            houdbaar_tot_en_met: Some(self.stempel.houdbaar_tot_en_met.to_string()),
            in_antwoord_op: self.in_antwoord_op.map(|id| id.to_string()),
            ..actor.regel(soort)
        }
    }

    /// Whether this regel `aanvaard` says what the tables say.
    pub(super) fn accepted_by(&self, regel: &Logregel) -> bool {
        // How long the gateway keeps the content stands in no regel; that it was ended does.
        let Stempel { grondslag, regel: rule, convenant, verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud: _ } =
            &self.stempel;
        let text = |id: Option<BerichtId>| id.map(|id| id.to_string());
        regel.soort == Soort::Aanvaard
            && regel.in_antwoord_op == text(self.in_antwoord_op)
            && regel.vervangt == text(self.vervangt)
            // Only the gateway sends as the gateway.
            && self.afzender.is_gateway() == (regel.rol.as_deref() == Some(Rol::Poort.as_str()))
            && [
                (&regel.bericht, &self.bericht.to_string()),
                (&regel.gesprek, &self.gesprek.to_string()),
                (&regel.afzender, &self.afzender_adres),
                (&regel.ontvanger, &self.ontvanger_adres),
                (&regel.berichtsoort, &self.soort.to_string()),
                (&regel.grondslag, grondslag),
                (&regel.regel, rule),
                (&regel.convenant, convenant),
                (&regel.verwerkingsactiviteit, verwerkingsactiviteit),
                (&regel.houdbaar_tot_en_met, &houdbaar_tot_en_met.to_string()),
            ]
            .into_iter()
            .all(|(said, kept)| said.as_ref() == Some(kept))
            && regel.tijd == super::tijd(self.micros)
    }
}
