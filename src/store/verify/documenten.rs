//! What was in force when: each change against its row, and each acceptance against what was in force at that regel.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use sqlx::Row;

use super::error::{VerifyError, tree};
use crate::{
    documenten::of_the_past,
    domain::{Berichtsoort, DocumentSoort, Oin, PartnerNaam},
    logboek::{Logregel, Soort, tijd},
    store::{
        DbConnection,
        values::{int, moment, uint},
    },
};

/// The hash of each document in force, as the walk along the regels has come to know it.
#[derive(Default)]
pub(in crate::store) struct TextsSoFar {
    hashes: BTreeMap<(DocumentSoort, String), String>,
    /// The hash of every convenant that ever was.
    ever: BTreeSet<String>,
    changes: u64,
    /// Which OIN is or was whose.
    oins: BTreeMap<PartnerNaam, BTreeSet<Oin>>,
}

impl TextsSoFar {
    /// Before the first regel. Reads which OIN is or was whose: each of those texts is held to its regel on the way.
    pub(in crate::store) async fn load(tx: &mut DbConnection) -> Result<Self, VerifyError> {
        let texts: Vec<String> = sqlx::query_scalar(
            "SELECT tekst FROM documenten WHERE soort = $1 AND tekst IS NOT NULL ORDER BY log_index",
        )
        .bind(DocumentSoort::Deelnemers.as_str())
        .fetch_all(tx)
        .await?;
        let mut oins: BTreeMap<PartnerNaam, BTreeSet<Oin>> = BTreeMap::new();
        for (naam, partner) in texts.iter().flat_map(|text| of_the_past(text).partners) {
            oins.entry(naam).or_default().extend(partner.oins);
        }
        Ok(Self { oins, ..Self::default() })
    }

    /// Which OIN is or was whose.
    pub(in crate::store) fn oins(&self) -> &BTreeMap<PartnerNaam, BTreeSet<Oin>> {
        &self.oins
    }

    /// Compares a regel with what the table says, and takes over what it changes.
    pub(in crate::store) async fn regel(
        &mut self,
        tx: &mut DbConnection,
        index: u64,
        regel: &Logregel,
    ) -> Result<(), VerifyError> {
        let bad = |what: &str| Err(VerifyError::Regel { index, what: what.to_owned() });
        match regel.soort {
            Soort::Aanvaard if !self.allowed(regel) => bad("aanvaard op een convenant dat toen niet van kracht was"),
            Soort::ConvenantGewijzigd => self.change(tx, index, regel, DocumentSoort::Convenant).await,
            Soort::PartnerGewijzigd => self.change(tx, index, regel, DocumentSoort::Deelnemers).await,
            _ => Ok(()),
        }
    }

    /// Whether it rests on a convenant in force, or follows a bericht that rested on one.
    fn allowed(&self, regel: &Logregel) -> bool {
        let Some(convenant) = &regel.convenant else { return false };
        let soort = regel.berichtsoort.as_deref().and_then(|soort| soort.parse::<Berichtsoort>().ok());
        if soort.is_some_and(Berichtsoort::follows) {
            self.ever.contains(convenant)
        } else {
            self.hashes.values().any(|hash| hash == convenant)
        }
    }

    async fn change(
        &mut self,
        tx: &mut DbConnection,
        index: u64,
        regel: &Logregel,
        soort: DocumentSoort,
    ) -> Result<(), VerifyError> {
        let bad = |what: &str| Err(VerifyError::Regel { index, what: what.to_owned() });
        let row = sqlx::query("SELECT soort, naam, tijd, hash, tekst FROM documenten WHERE log_index = $1")
            .bind(int(index))
            .fetch_optional(tx)
            .await?;
        let Some(row) = row else { return bad("de tekst die van kracht werd ontbreekt") };
        let (naam, hash): (String, Option<String>) = (row.try_get("naam")?, row.try_get("hash")?);
        let tekst: Option<String> = row.try_get("tekst")?;
        let computed = tekst.map(|tekst| hex::encode(digest(&SHA256, tekst.as_bytes())));
        let same = row.try_get::<&str, _>("soort")? == soort.as_str()
            && regel.document == Some(soort.in_logboek(&naam))
            && hash == regel.convenant
            && computed == regel.convenant;
        if !same {
            return bad("de bewaarde tekst is niet die van de regel");
        }
        // Since when a text counts decides which of two convenanten stamps.
        if tijd(moment(row.try_get("tijd")?)) != regel.tijd {
            return bad("de tijd van de bewaarde tekst is niet die van de regel");
        }
        let key = (soort, naam);
        self.ever.extend(hash.clone());
        let old = match hash {
            Some(hash) => self.hashes.insert(key, hash),
            None => self.hashes.remove(&key),
        };
        if old != regel.convenant_oud {
            return bad("noemt een andere voorganger dan er van kracht was");
        }
        self.changes += 1;
        Ok(())
    }

    /// Each change was compared with its row; a different number means rows that no regel knows of.
    pub(in crate::store) async fn finish(&self, tx: &mut DbConnection, size: u64) -> Result<(), VerifyError> {
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM documenten").fetch_one(tx).await?;
        if uint(rows) == self.changes { Ok(()) } else { Err(tree(size, "er zijn documenten zonder logregel")) }
    }
}
