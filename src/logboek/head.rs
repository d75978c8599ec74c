//! The head of a logboek: all that the next regel must follow. And the fork guard: what may follow a head that was signed.
//!
//! A gateway keeps the head that it last signed or saw. What it signs next is that head with regels after it, whatever a database
//! says by then.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Checkpoint, Frontier, Hash, Logregel, Node, NoteError, RegelError, Signer, Soort, VerifyKey, leaf_hash, open,
    tree::sha256,
};

/// The head of a logboek.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Name of the logboek: the origin of its checkpoints.
    pub naam: String,
    /// Which logboek of this gateway it is, from 1.
    pub nummer: u32,
    /// `log_index` of its first regel; 0 for the first logboek of a gateway. In the tree that regel is leaf 0.
    pub eerste: u64,
    /// `tijd` of its last regel; never runs back.
    pub tijd: Timestamp,
    /// Which texts are in force, by its regels.
    pub teksten: Teksten,
    /// What was proposed since these came in force, and what was decided about that: SHA-256 over the one before it and the leaf hash of
    /// each such regel, from 32 zero bytes on.
    pub voorgesteld: Hash,
    /// The signed checkpoint of this head; empty before the first one.
    pub nota: String,
    frontier: Frontier,
}

/// What the regels of a logboek say of the texts that were put in force and withdrawn: enough to know whether a database that
/// holds those texts holds all of them, and no others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Teksten {
    /// The version of what is in force: the `log_index` after the newest regel that changed it; 0 before anything was.
    pub versie: u64,
    /// SHA-256 over the one before it and the leaf hash of each such regel, from 32 zero bytes on.
    pub keten: Hash,
}

impl Teksten {
    /// Takes over a regel, if it changed what is in force.
    pub fn take(&mut self, log_index: u64, soort: Soort, leaf_hash: &Hash) {
        if matches!(soort, Soort::ConvenantGewijzigd | Soort::PartnerGewijzigd) {
            self.keten = chained(&self.keten, leaf_hash);
            self.versie = log_index + 1;
        }
    }
}

/// A chain of regels with one more.
#[must_use]
pub fn chained(keten: &Hash, leaf_hash: &Hash) -> Hash {
    sha256(&[keten, leaf_hash])
}

/// A leaf that cannot follow a head.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// It is no logregel.
    #[error(transparent)]
    Regel(#[from] RegelError),
    /// Its `tijd` is no moment.
    #[error("tijd {0:?} bestaat niet")]
    Tijd(String),
}

impl Head {
    /// Of a logboek that has no regel yet.
    #[must_use]
    pub fn new(naam: &str, nummer: u32, eerste: u64) -> Self {
        Self {
            naam: naam.to_owned(),
            nummer,
            eerste,
            tijd: Timestamp::UNIX_EPOCH,
            teksten: Teksten::default(),
            voorgesteld: Hash::default(),
            nota: String::new(),
            frontier: Frontier::default(),
        }
    }

    /// Number of its regels.
    #[must_use]
    pub fn grootte(&self) -> u64 {
        self.frontier.size()
    }

    /// `log_index` of the regel that comes next.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.eerste + self.frontier.size()
    }

    /// The nodes of the tree that it keeps, by their places.
    #[must_use]
    pub fn nodes(&self) -> Vec<(Node, Hash)> {
        self.frontier.nodes()
    }

    /// What is to be signed of it.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { origin: self.naam.clone(), size: self.frontier.size(), root: self.frontier.root() }
    }

    /// Takes up the next regel, and reports every complete node that this makes. Gives its leaf hash.
    pub fn push(&mut self, leaf: &[u8], soort: Soort, made: &mut impl FnMut(Node, Hash)) -> Hash {
        let hash = leaf_hash(leaf);
        self.teksten.take(self.next_index(), soort, &hash);
        self.voorgesteld = match soort {
            Soort::ConvenantGewijzigd | Soort::PartnerGewijzigd => Hash::default(),
            Soort::Voorgesteld | Soort::Bekrachtigd => chained(&self.voorgesteld, &hash),
            _ => self.voorgesteld,
        };
        self.frontier.push(hash, made);
        hash
    }

    /// Takes up the next regel by its bytes alone, as they stand in a database.
    ///
    /// # Errors
    /// [`LeafError`]; then nothing was taken up.
    pub fn read_next(&mut self, leaf: &[u8]) -> Result<(), LeafError> {
        let regel = Logregel::from_leaf(leaf)?;
        self.tijd = regel.tijd.parse().map_err(|_| LeafError::Tijd(regel.tijd.clone()))?;
        self.push(leaf, regel.soort, &mut |_, _| ());
        Ok(())
    }

    /// Signs it, with the pair of keys of this signer.
    ///
    /// # Errors
    /// [`NoteError::Name`] when no reader would accept the name of the logboek.
    pub fn sign(&mut self, signer: &Signer) -> Result<(), NoteError> {
        self.nota = signer.named(&self.naam)?.sign(&self.checkpoint());
        Ok(())
    }

    /// Whether this is what such a checkpoint was signed for, with this public key.
    ///
    /// # Errors
    /// [`NoteError`] when the key did not sign it.
    pub fn is_signed_by(&self, nota: &str, key: &VerifyKey) -> Result<bool, NoteError> {
        Ok(open(nota, &key.named(&self.naam)?)? == self.checkpoint())
    }

    /// The beginning of a logboek after this one. Its first regel has the `log_index` after those of this one, and after `lost`,
    /// those that were handed out and are gone. What is in force goes on; time may begin earlier.
    #[must_use]
    pub fn next_logboek(&self, naam: &str, nummer: u32, lost: u64) -> Self {
        let (teksten, voorgesteld) = (self.teksten.clone(), self.voorgesteld);
        Self { teksten, voorgesteld, ..Self::new(naam, nummer, self.next_index().max(lost)) }
    }

    /// The head in one line, as the first regel of the next logboek names it: origin, size and root of its checkpoint.
    #[must_use]
    pub fn in_regel(&self) -> String {
        self.checkpoint().line()
    }

    /// The head in a form to be kept, for [`Kept::head`].
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept {
            nummer: self.nummer,
            eerste: self.eerste,
            tijd: self.tijd,
            versie: self.teksten.versie,
            keten: hex::encode(self.teksten.keten),
            voorgesteld: hex::encode(self.voorgesteld),
            frontier: hex::encode(self.frontier.to_bytes()),
            checkpoint: self.nota.clone(),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.grootte() == 0 {
            return write!(f, "logboek {}, nog zonder regels", self.naam);
        }
        let (last, root) = (self.next_index() - 1, STANDARD.encode(self.frontier.root()));
        write!(f, "logboek {}, {} regels, de laatste met index {last}, wortel {root}", self.naam, self.grootte())
    }
}

/// A signed head as it is kept in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    nummer: u32,
    eerste: u64,
    tijd: Timestamp,
    versie: u64,
    keten: String,
    voorgesteld: String,
    frontier: String,
    checkpoint: String,
}

impl Kept {
    /// The head that was kept.
    ///
    /// # Errors
    /// [`NoteError`] when it was not signed with this public key, or when it does not belong to its checkpoint.
    pub fn head(self, key: &VerifyKey) -> Result<Head, NoteError> {
        let not_whole = NoteError::Checkpoint("wat ernaast bewaard is, hoort er niet bij");
        let naam = self.checkpoint.lines().next().unwrap_or_default().to_owned();
        let signed = open(&self.checkpoint, &key.named(&naam)?)?;
        let frontier = hex::decode(&self.frontier).ok().and_then(|bytes| Frontier::from_bytes(signed.size, &bytes));
        let hash = |text: &str| hex::decode(text).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        let (keten, voorgesteld) = (hash(&self.keten), hash(&self.voorgesteld));
        let (Some(frontier), Some(keten), Some(voorgesteld)) = (frontier, keten, voorgesteld) else {
            return Err(not_whole);
        };
        let head = Head {
            naam,
            nummer: self.nummer,
            eerste: self.eerste,
            tijd: self.tijd,
            teksten: Teksten { versie: self.versie, keten },
            voorgesteld,
            nota: self.checkpoint,
            frontier,
        };
        if head.checkpoint() == signed { Ok(head) } else { Err(not_whole) }
    }
}

/// What stands in a database does not follow the head that a gateway signed or saw: nothing may be signed after it.
#[derive(Debug, thiserror::Error)]
#[error(
    "het logboek in de database gaat niet verder waar deze poort was ({why}). Het laatst ondertekend of gezien: {known}. In de database: \
     {found}. De poort ondertekent niets en bedient niemand. Staat hier een oude of een andere kopie, wijs dan de goede database aan. Is \
     er geen betere, dan sluit beheer dit logboek zoals het is en begint het volgende, met een checkpoint dat een FG bewaarde: \
     ketenpoort logboek herstel (docs/operations.md)"
)]
pub struct Fork {
    /// The head that was signed or seen.
    pub known: String,
    /// What stands in the database.
    pub found: String,
    /// In what way it does not follow.
    pub why: Cow<'static, str>,
}

impl Fork {
    /// The newest checkpoint of a database, `found`, does not follow `known`. Its logboek says that it begins at the index `eerste`.
    #[must_use]
    pub fn new(known: &Head, (eerste, found): (u64, &str), why: impl Into<Cow<'static, str>>) -> Self {
        let mut lines = found.lines();
        let found = match (lines.next(), lines.next(), lines.next()) {
            (Some(naam), Some(grootte), Some(wortel)) => {
                let last = grootte.parse::<u64>().ok().and_then(|grootte| eerste.checked_add(grootte)?.checked_sub(1));
                let last = last.map_or("onbekend".to_owned(), |last| last.to_string());
                format!("logboek {naam}, {grootte} regels, de laatste met index {last}, wortel {wortel}")
            }
            _ => "geen checkpoint".to_owned(),
        };
        Self { known: known.to_string(), found, why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::from_seed("poort.example/2026", &[7; 32]).unwrap()
    }

    fn head(regels: u64) -> Head {
        let mut head = Head::new("poort.example/2026", 1, 0);
        for at in 0..regels {
            let soort = if at.is_multiple_of(3) { Soort::ConvenantGewijzigd } else { Soort::Gestart };
            let leaf = Logregel::new(format!("2026-01-01T00:00:00.{at:06}Z"), soort).to_leaf().unwrap();
            head.read_next(&leaf).unwrap();
        }
        head.sign(&signer()).unwrap();
        head
    }

    #[test]
    fn a_head_that_was_kept_is_the_same_head_and_only_under_its_key() {
        for regels in [1, 2, 7, 300] {
            let head = head(regels);
            assert_eq!(head.kept().head(&signer().vkey()).unwrap(), head);
            // By the public key alone: its name can be that of another logboek.
            assert_eq!(head.kept().head(&signer().named("later/2027").unwrap().vkey()).unwrap(), head);
            head.kept().head(&Signer::from_seed("poort.example/2026", &[8; 32]).unwrap().vkey()).unwrap_err();
        }
    }

    #[test]
    fn what_is_kept_is_held_to_its_checkpoint() {
        let (one, other) = (head(7).kept(), head(8).kept());
        for mixed in [
            Kept { frontier: other.frontier.clone(), ..one.clone() },
            Kept { checkpoint: other.checkpoint, ..one.clone() },
            Kept { frontier: String::new(), ..one.clone() },
            Kept { frontier: one.frontier.replace(&one.frontier[..2], "00"), ..one.clone() },
            Kept { keten: "00".to_owned(), ..one },
        ] {
            mixed.head(&signer().vkey()).unwrap_err();
        }
    }

    #[test]
    fn the_version_of_the_texts_is_the_index_after_the_newest_change() {
        assert_eq!([1, 3, 4, 5].map(|regels| head(regels).teksten.versie), [1, 1, 4, 4]);
        assert_ne!(head(3).teksten.keten, head(4).teksten.keten);
        assert_eq!(head(4).teksten, head(6).teksten);
    }

    #[test]
    fn the_next_logboek_goes_on_with_what_is_in_force_and_counts_on() {
        let old = head(7);
        let mut next = old.next_logboek("poort.example/2027", 2, 0);
        assert_eq!((next.nummer, next.eerste, next.grootte(), &next.teksten), (2, 7, 0, &old.teksten));
        let leaf = Logregel::new("2025-01-01T00:00:00.000000Z", Soort::ConvenantGewijzigd).to_leaf().unwrap();
        next.read_next(&leaf).unwrap();
        assert_eq!((next.next_index(), next.teksten.versie), (8, 8));
        next.sign(&signer()).unwrap();
        assert_eq!(next.kept().head(&signer().vkey()).unwrap(), next);
        assert_eq!(old.next_logboek("x", 2, 20).eerste, 20);
        assert!(old.in_regel().starts_with("poort.example/2026 7 "), "{}", old.in_regel());
    }

    #[test]
    fn a_fork_names_both_heads_with_their_indexes() {
        let (known, found) = (head(7), head(5));
        let text = Fork::new(&known, (0, &found.nota), "er ontbreken regels").to_string();
        for said in ["7 regels, de laatste met index 6", "5 regels, de laatste met index 4", "logboek herstel"] {
            assert!(text.contains(said), "{text}");
        }
        assert!(Fork::new(&known, (0, ""), "leeg").to_string().contains("geen checkpoint"));
        // A copy of before the logboek was closed: each counts from its own beginning.
        let mut next = known.next_logboek("poort.example/2027", 2, 0);
        next.read_next(&Logregel::new("2026-01-02T00:00:00.000000Z", Soort::Gestart).to_leaf().unwrap()).unwrap();
        let text = Fork::new(&next, (found.eerste, &found.nota), "een ander logboek").to_string();
        for said in ["1 regels, de laatste met index 7", "5 regels, de laatste met index 4"] {
            assert!(text.contains(said), "{text}");
        }
    }
}
