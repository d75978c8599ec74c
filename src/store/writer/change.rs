//! Changing what is in force: rows of documents that are only added, each with its regel.

use crate::{
    domain::DocumentSoort,
    logboek::{Logregel, Soort},
    store::{
        NotDone,
        postvak::{actor::Actor, work::Work},
        values::{int, micros},
    },
};

/// Puts documents in force and withdraws others: all of them together.
#[derive(Clone)]
pub struct Change {
    /// The version of what was in force when they were judged.
    pub basis: u64,
    /// Each of them.
    pub wijzigingen: Vec<Wijziging>,
    /// Who does it and why; nobody when the gateway enters its files at its very first start.
    pub actor: Option<Actor>,
    /// The proposal that it carries out.
    pub voorstel: Option<u64>,
}

/// What happens to one document.
#[derive(Clone, Debug)]
pub struct Wijziging {
    /// What it is.
    pub soort: DocumentSoort,
    /// Its name.
    pub naam: String,
    /// Hash and text that come in force; `None` withdraws it.
    pub nieuw: Option<(String, String)>,
    /// Hash of what was in force.
    pub oud: Option<String>,
}

/// A change that was made.
#[derive(Debug)]
pub struct Changed {
    /// The new version: the `log_index` after the last of its regels.
    pub versie: u64,
    /// Index and bytes of the regel of each wijziging, in order.
    pub regels: Vec<(u64, Vec<u8>)>,
}

/// Writes a change.
pub(in crate::store) async fn change(work: &mut Work<'_>, change: &Change) -> Result<Changed, NotDone> {
    let mut regels = Vec::with_capacity(change.wijzigingen.len());
    for wijziging in &change.wijzigingen {
        let (log_index, leaf) = match &change.actor {
            Some(actor) => {
                let regel = Logregel { voorstel: change.voorstel, ..regel(Some(actor), wijziging) };
                actor.log(&mut work.log, None, regel)?
            }
            None => work.log.append(None, regel(None, wijziging))?,
        };
        let (hash, tekst) = wijziging.nieuw.as_ref().map(|(hash, tekst)| (hash, tekst)).unzip();
        sqlx::query(
            "INSERT INTO documenten (log_index, soort, naam, tijd, hash, tekst) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(int(log_index))
        .bind(wijziging.soort.as_str())
        .bind(&wijziging.naam)
        .bind(micros(work.now()))
        .bind(hash)
        .bind(tekst)
        .execute(work.database().await?)
        .await?;
        regels.push((log_index, leaf));
    }
    Ok(Changed { versie: work.log.versie(), regels })
}

/// The regel of one wijziging. `convenant` and `convenant_oud` are hashes of documents of either kind.
fn regel(actor: Option<&Actor>, wijziging: &Wijziging) -> Logregel {
    let soort = match wijziging.soort {
        DocumentSoort::Deelnemers => Soort::PartnerGewijzigd,
        DocumentSoort::Convenant => Soort::ConvenantGewijzigd,
    };
    Logregel {
        document: Some(wijziging.soort.in_logboek(&wijziging.naam)),
        convenant: wijziging.nieuw.as_ref().map(|(hash, _)| hash.clone()),
        convenant_oud: wijziging.oud.clone(),
        ..actor.map_or_else(|| Logregel::new(String::new(), soort), |actor| actor.regel(soort))
    }
}
