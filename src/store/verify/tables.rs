//! The second phase: what stands beside the logboek is held to its regels, which hold together by now.
//!
//! All regels are gone through once more. Each change of what is in force is held to its text, and each acceptance to what was in force
//! then (`documenten`); each proposal to its text and signatures (`voorstellen`); each commitment to its opening (`sealed`). What became of each bericht is reckoned from the regels
//! (`verloop`), and compared with the rows (`rows`). What no regel says is sealed and opened, or stands in [`NO_EVIDENCE`].

use sqlx::Row;

use super::{
    documenten::TextsSoFar,
    error::VerifyError,
    log::{PAGE, SoundLog},
    onverantwoord::Onverantwoord,
    rows, schema,
    sealed::{Keys, Openings, WithoutKey, dagsleutels, herhalingen},
    verloop::Verloop,
    voorstellen::Voorstellen,
};
use crate::{
    logboek::Logregel,
    store::{
        DbConnection,
        values::{int, uint},
    },
};

/// Columns that no regel bears out, in whole or in part, and why that does no harm.
pub const NO_EVIDENCE: &[(&str, &str, &str)] = &[
    (
        "postvak",
        "beoordeeld_versie",
        "door welke teksten een geweigerd bericht het laatst is beoordeeld: wie dit verandert laat het hoogstens tot de volgende dag of de \
         volgende wijziging liggen",
    ),
    ("postvak", "beoordeeld_dag", "op welke dag een geweigerd bericht het laatst is beoordeeld: evenzo"),
    (
        "postvak",
        "lease_tot",
        "tot wanneer een ontvanger een bericht vasthoudt: niet langer dan een uur, en dat is nagegaan",
    ),
    ("berichten", "wacht_tot", "tot wanneer een vraag wacht: niet langer dan vijf minuten, en dat is nagegaan"),
    (
        "berichten",
        "spoor",
        "waar bij de telemetrie te zien is hoe een bericht werd aanvaard: wie dit verandert laat dat naar iets anders wijzen, en verder niets",
    ),
    ("postvak", "bewaar_inhoud", "van inhoud die is beeindigd: zolang er inhoud is, hoort haar sleutel erbij"),
    (
        "besluiten",
        "certificaat",
        "waarmee een handtekening is na te gaan: past het er niet bij, dan klopt zij niet, en dat is te zien",
    ),
    ("logboek", "id", "er is maar een rij"),
];

/// What a verification could look at.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Whether the keys were at hand, and with them what is sealed beside content.
    pub with_keys: bool,
    /// Berichten that are touched by regels for which no checkpoint vouches: they were held to nothing.
    pub onverantwoord: u64,
    /// Requests whose keys are not there, by day.
    pub(super) without_key: WithoutKey,
}

impl Checked {
    /// How many requests could not be compared, because the key of their day is not there.
    #[must_use]
    pub fn without_key(&self) -> u64 {
        self.without_key.values().sum()
    }
}

/// Verifies the tables beside these logboeken.
pub(super) async fn verify(
    tx: &mut DbConnection,
    logboeken: &[SoundLog],
    keys: Option<&Keys>,
) -> Result<Checked, VerifyError> {
    schema::verify(tx).await?;
    let (in_force, verloop) = regels(tx, logboeken, keys).await?;
    rows::postvak(tx, &verloop, in_force.oins()).await?;
    rows::berichten(tx, &verloop).await?;
    rows::postvakken(tx).await?;
    rows::vindbaar(tx).await?;
    rows::pseudoniemen(tx).await?;
    let onverantwoord = verloop.onverantwoord.len() as u64;
    let Some(keys) = keys else { return Ok(Checked { onverantwoord, ..Checked::default() }) };
    let merk: Option<String> =
        sqlx::query_scalar("SELECT sleutels FROM logboek WHERE id = 1").fetch_one(&mut *tx).await?;
    if merk.as_ref() != Some(&keys.merk) {
        let what = "de sleutels zijn niet die waarmee dit logboek begon".to_owned();
        return Err(VerifyError::Table { table: "logboek", what });
    }
    dagsleutels(tx, keys).await?;
    Ok(Checked { with_keys: true, onverantwoord, without_key: herhalingen(tx, keys).await? })
}

/// Goes through all regels.
async fn regels(
    tx: &mut DbConnection,
    logboeken: &[SoundLog],
    keys: Option<&Keys>,
) -> Result<(TextsSoFar, Verloop), VerifyError> {
    let mut in_force = TextsSoFar::load(tx).await?;
    let onverantwoord = Onverantwoord::load(tx, logboeken).await?;
    let mut verloop = Verloop::new(onverantwoord.berichten().clone());
    let (mut openings, mut voorstellen) = (Openings::load(tx).await?, Voorstellen::default());
    let mut from = 0;
    loop {
        let rows =
            sqlx::query("SELECT log_index, regel FROM logregels WHERE log_index >= $1 ORDER BY log_index LIMIT $2")
                .bind(int(from))
                .bind(int(PAGE))
                .fetch_all(&mut *tx)
                .await?;
        let mut leaves = Vec::with_capacity(rows.len());
        for row in &rows {
            let index = uint(row.try_get("log_index")?);
            from = index + 1;
            let leaf: Vec<u8> = row.try_get("regel")?;
            if onverantwoord.covers(index) {
                continue;
            }
            let regel = Logregel::from_leaf(&leaf);
            let regel = regel.map_err(|error| VerifyError::Regel { index, what: error.to_string() })?;
            leaves.push((index, leaf, regel));
        }
        if rows.is_empty() {
            break;
        }
        openings.page(tx, &leaves, keys, &onverantwoord).await?;
        for (index, _, regel) in &leaves {
            in_force.regel(tx, *index, regel).await?;
            voorstellen.regel(tx, *index, regel).await?;
            let taken = verloop.take(*index, regel, in_force.oins());
            taken.map_err(|what| VerifyError::Regel { index: *index, what: what.to_owned() })?;
        }
    }
    let size = logboeken.last().map_or(0, |log| log.eerste + log.regels);
    in_force.finish(tx, size).await?;
    openings.finish(tx, &onverantwoord).await?;
    voorstellen.finish(tx, &onverantwoord).await?;
    Ok((in_force, verloop))
}
