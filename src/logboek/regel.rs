//! The line of the log (logregel): its fields and its exact bytes. What verification asks of those
//! bytes is in `check`, the words for what happened in `soort`.
//!
//! A logregel is encoded once, by [`Logregel::to_leaf`], and from then on is only bytes. Personal
//! data is never in it, only a [`commitment`]. It does not check that fields go with their soort,
//! nor that addresses or dates are well formed: the writer's types see to that.
//!
//! Adding a key: put it in [`Logregel`] and in `check::KEYS` at the same place, optional; old readers skip it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use super::check::check_leaf;
use super::check::check_stamp;
pub use super::soort::{Oorzaak, Soort};
use super::tree::sha256;

/// Longest logregel, in bytes.
pub const MOST_LEAF_BYTES: usize = 4096;

/// What is wrong with a logregel.
#[derive(Debug, thiserror::Error)]
pub enum RegelError {
    /// Longer than [`MOST_LEAF_BYTES`]; holds its length in bytes.
    #[error("de logregel heeft {0} bytes, meer dan {MOST_LEAF_BYTES}")]
    TooLong(usize),
    /// Not JSON, or a known key is missing, stands twice or has a value of another type.
    #[error("de logregel is geen JSON-object van de juiste vorm: {0}")]
    Json(#[from] serde_json::Error),
    /// Not UTF-8, or it does not begin with `{`.
    #[error("de logregel is geen JSON-object op een enkele regel UTF-8")]
    NoObject,
    /// Of a version of the format that this code does not know; holds its `v`.
    #[error("de logregel heeft versie {0}, niet 1")]
    Version(u8),
    /// A `tijd` of another form than the log writes; holds it as it stands.
    #[error("tijd {0:?} heeft niet de vorm JJJJ-MM-DDTuu:mm:ss.ffffffZ")]
    Tijd(String),
    /// Earlier than the logregel before it in the log.
    #[error("tijd {tijd} ligt voor {previous} van de logregel ervoor")]
    TijdRunsBack {
        /// Its own `tijd`.
        tijd: String,
        /// `tijd` of the logregel before it.
        previous: String,
    },
    /// A space, tab or newline stands between the keys and values.
    #[error("de logregel heeft een spatie of regeleinde buiten zijn teksten")]
    Whitespace,
    /// A known key stands after one that must follow it; holds that key.
    #[error("veld {0} staat niet op zijn plaats")]
    KeyOrder(String),
}

/// One line of the log; the order of the fields is the order of the keys.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Logregel {
    /// Version of the format: 1. [`Logregel::new`] sets it.
    pub v: u8,
    /// When it entered the log: UTC, exactly six decimals, never running back.
    pub tijd: String,
    /// What happened.
    pub soort: Soort,
    /// `UUIDv7` of the bericht it is about; absent when it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bericht: Option<String>,
    /// `UUIDv7` of the gesprek (thread): that of its first bericht.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gesprek: Option<String>,
    /// Address of the sender: `OIN/loket`, the OIN from the certificate it connected with; the loket may be
    /// empty in a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub afzender: Option<String>,
    /// Address of the one receiver this line is about: `OIN/loket`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ontvanger: Option<String>,
    /// Role of the actor: `partner`, `fg`, `auditor`, `beheer`, `tekent`, `contact` or `poort`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rol: Option<String>,
    /// OIN of who did it, from the verified certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Kind of bericht, as convenanten write it: e.g. `bekendheidscheck`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub berichtsoort: Option<String>,
    /// Id of the grondslag (legal basis) the gateway stamped, in the register of configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grondslag: Option<String>,
    /// Id of the rule of the convenant that allowed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regel: Option<String>,
    /// URI of the verwerkingsactiviteit, into the register of processing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verwerkingsactiviteit: Option<String>,
    /// The convenant that allowed it: SHA-256 of its file, in lowercase hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub convenant: Option<String>,
    /// The convenant that another one replaced: SHA-256 of its file, in lowercase hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub convenant_oud: Option<String>,
    /// Last civil day, in Amsterdam, on which the content can be read: `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub houdbaar_tot_en_met: Option<String>,
    /// How many calls this one line stands for (refusals counted per minute).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aantal: Option<u64>,
    /// Which attempt at delivery to this ontvanger, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poging: Option<u32>,
    /// Why it was refused: the code of the weigering, e.g. `geen_regel`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weigering: Option<String>,
    /// `UUIDv7` of the bericht that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_antwoord_op: Option<String>,
    /// `UUIDv7` of the earlier bericht that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vervangt: Option<String>,
    /// W3C trace id of the call: 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// A [`commitment`] for each person concerned (betrokkene), in the order of the bericht.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub betrokkene: Vec<String>,
    /// [`commitment`] to the reference of the acting employee (medewerker).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medewerker: Option<String>,
    /// [`commitment`] to the reason given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reden: Option<String>,
    /// [`commitment`] to the content bytes exactly as stored and delivered; its salt lies in the sealed envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inhoud: Option<String>,
    /// The document that was put in force or withdrawn: its kind and its name, e.g. `convenant/zvh-breda`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Why the content ended: `vervangen`, `bevestigd`, `ingetrokken`, `vervallen` or `gewist`; of a handshake, why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oorzaak: Option<String>,
    /// Whether the grondslag was confirmed by who may say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub getoetst: Option<bool>,
    /// The group that the bericht is about, as convenanten write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doelgroep: Option<String>,
    /// CBS code of a gemeente: `GM0758`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gemeente: Option<String>,
    /// Until when an answer is asked, of a bericht or in a dossier: UTC in the form of `tijd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub antwoord_voor: Option<String>,
    /// What came of it: of a search `gevonden` or `niet_gevonden`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uitkomst: Option<String>,
    /// What kind of organisation the afzender works for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisatie: Option<String>,
    /// Class of a network address, never an address: `lokaal`, `privaat` or `openbaar`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adres: Option<String>,
    /// In the first regel of a logboek: the head of the one before it, with all regels that stand there. A head is the origin, size
    /// and root of its checkpoint, with spaces between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gesloten: Option<String>,
    /// In `log_hersteld`: the newest head of that logboek that was signed and that its regels give. What came after it is not vouched
    /// for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ondertekend: Option<String>,
    /// In `log_hersteld`: the head that the gateway signed or saw last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onthouden: Option<String>,
    /// In `log_hersteld`: the head that an FG kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bewaard: Option<String>,
    /// The proposal that it belongs to: the `log_index` of the first regel of that. Absent in that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voorstel: Option<u64>,
    /// In `voorgesteld`: not before this moment it comes into force. UTC in the form of `tijd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vanaf: Option<String>,
    /// In `voorgesteld` and `bekrachtigd`: which identity did it, as SHA-256 of its CA, OIN and SAN in lowercase hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identiteit: Option<String>,
    /// In `bekrachtigd` by who signs for a party: SHA-256 of that signature, in lowercase hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handtekening: Option<String>,
    /// Of a look of toezicht: [`commitment`] to the id of the bericht that was looked at, for who looks at what tells others something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bekeken: Option<String>,
    /// In `openingen_gewist`: which openings were erased, each as the index of its regel, `/`, and which betrokkene of that it is, or `besluit`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gewist: Vec<String>,
    /// The dossier of inzage that it belongs to: the `log_index` of the first regel of that. Absent in that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dossier: Option<u64>,
    /// In the first regel of a dossier: it is about regels before this `log_index`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tot: Option<u64>,
    /// In `inzage_besloten`: [`commitment`] to what was decided about which regels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub besluit: Option<String>,
}

impl Logregel {
    /// A logregel of this version of the format, with nothing but when and what.
    #[must_use]
    pub fn new(tijd: impl Into<String>, soort: Soort) -> Self {
        Self { v: 1, tijd: tijd.into(), soort, ..Self::default() }
    }

    /// The bytes that enter the log, for good; hence what verification would refuse is refused here.
    ///
    /// # Errors
    /// [`RegelError`]: too long, another version than 1, or a `tijd` of another form.
    pub fn to_leaf(&self) -> Result<Vec<u8>, RegelError> {
        check_stamp(self)?;
        let leaf = serde_json::to_vec(self)?;
        if leaf.len() > MOST_LEAF_BYTES {
            return Err(RegelError::TooLong(leaf.len()));
        }
        Ok(leaf)
    }

    /// Reads the bytes of a leaf. Unknown keys are ignored, so that old readers follow new writers.
    ///
    /// # Errors
    /// [`RegelError`]: too long, or not a JSON object of this form.
    pub fn from_leaf(leaf: &[u8]) -> Result<Self, RegelError> {
        if leaf.len() > MOST_LEAF_BYTES {
            return Err(RegelError::TooLong(leaf.len()));
        }
        // serde would also take an array for a struct, and pass over bad UTF-8 in unknown keys.
        let text = str::from_utf8(leaf).map_err(|_| RegelError::NoObject)?;
        if !text.starts_with('{') {
            return Err(RegelError::NoObject);
        }
        Ok(serde_json::from_str(text)?)
    }
}

/// A moment as it stands in a logregel: UTC with exactly six decimals.
#[must_use]
pub fn tijd(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// SHA-256 of some bytes, lowercase hexadecimal: how a regel names a text or a signature.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(sha256(&[bytes]))
}

/// Salted commitment to a value that itself stays out of the log: SHA-256 of salt and value, in
/// lowercase hex. Erasing the salt makes it say nothing for ever.
#[must_use]
pub fn commitment(salt: &[u8; 32], value: &[u8]) -> String {
    hex::encode(sha256(&[salt, value]))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::logboek) const TIJD: &str = "2026-03-01T12:34:56.000007Z";

    /// A logregel with every key in use.
    pub(in crate::logboek) fn full() -> Logregel {
        let text = |value: &str| Some(value.to_owned());
        Logregel {
            bericht: text("b"),
            gesprek: text("g"),
            afzender: text("00000001234567890000/zsm"),
            ontvanger: text("00000009876543210000/om"),
            rol: text("r"),
            actor: text("a"),
            berichtsoort: text("s"),
            grondslag: text("gr"),
            regel: text("re"),
            verwerkingsactiviteit: text("va"),
            convenant: text("c"),
            convenant_oud: text("co"),
            houdbaar_tot_en_met: text("2026-04-01"),
            aantal: Some(3),
            poging: Some(2),
            weigering: text("w"),
            in_antwoord_op: text("i"),
            vervangt: text("ve"),
            trace: text("t"),
            betrokkene: vec!["x".to_owned(), "y".to_owned()],
            medewerker: text("m"),
            reden: text("een \"reden\" met spaties\n"),
            inhoud: text("h"),
            document: text("convenant/zvh"),
            oorzaak: text("vervangen"),
            getoetst: Some(false),
            doelgroep: text("d"),
            gemeente: text("GM0758"),
            antwoord_voor: text(TIJD),
            uitkomst: text("u"),
            organisatie: text("o"),
            adres: text("privaat"),
            gesloten: text("x 7 y"),
            ondertekend: text("x 6 y"),
            onthouden: text("x 8 y"),
            bewaard: text("x 5 y"),
            voorstel: Some(4),
            vanaf: text(TIJD),
            identiteit: text("id"),
            handtekening: text("ha"),
            bekeken: text("be"),
            gewist: vec!["7/0".to_owned()],
            dossier: Some(9),
            tot: Some(8),
            besluit: text("bs"),
            ..Logregel::new(TIJD, Soort::Aanvaard)
        }
    }

    #[test]
    fn a_logregel_has_exactly_the_keys_of_the_design_in_their_order() {
        let design = "v tijd soort bericht gesprek afzender ontvanger rol actor berichtsoort \
            grondslag regel verwerkingsactiviteit convenant convenant_oud houdbaar_tot_en_met \
            aantal poging weigering in_antwoord_op vervangt trace betrokkene medewerker reden inhoud \
            document oorzaak getoetst doelgroep gemeente antwoord_voor uitkomst organisatie adres";
        // Heads of logboeken, proposals and dossiers, which the design leaves room for.
        let design = format!(
            "{design} gesloten ondertekend onthouden bewaard voorstel vanaf identiteit handtekening bekeken gewist dossier tot besluit"
        );
        let leaf = String::from_utf8(full().to_leaf().unwrap()).unwrap();
        let places: Vec<_> =
            design.split_whitespace().map(|key| leaf.find(&format!("\"{key}\":")).expect(key)).collect();
        assert!(places.is_sorted());
        assert_eq!(leaf.matches("\":").count(), places.len());
        assert_eq!(Logregel::from_leaf(leaf.as_bytes()).unwrap(), full());
    }

    #[test]
    fn absent_keys_are_omitted() {
        let leaf = Logregel::new(TIJD, Soort::Gestart).to_leaf().unwrap();
        let expected = r#"{"v":1,"tijd":"2026-03-01T12:34:56.000007Z","soort":"gestart"}"#;
        assert_eq!(leaf, expected.as_bytes());
    }

    #[test]
    fn a_leaf_is_at_most_four_kibibytes() {
        let mut regel = Logregel::new(TIJD, Soort::Beheerd);
        let empty = regel.to_leaf().unwrap().len() + r#","reden":"""#.len();
        regel.reden = Some("x".repeat(MOST_LEAF_BYTES - empty));
        let leaf = regel.to_leaf().unwrap();
        assert_eq!(leaf.len(), MOST_LEAF_BYTES);
        assert_eq!(Logregel::from_leaf(&leaf).unwrap(), regel);

        let longer = [&leaf[..], b" "].concat();
        assert!(matches!(Logregel::from_leaf(&longer), Err(RegelError::TooLong(4097))));
        regel.reden.as_mut().unwrap().push('x');
        assert!(matches!(regel.to_leaf(), Err(RegelError::TooLong(4097))));
    }

    #[test]
    fn what_verification_would_refuse_never_enters_the_log() {
        let unversioned = Logregel { tijd: TIJD.to_owned(), ..Logregel::default() };
        assert!(matches!(unversioned.to_leaf(), Err(RegelError::Version(0))));
        let timeless = Logregel::new("2026-03-01T12:34:56Z", Soort::Gestart);
        assert!(matches!(timeless.to_leaf(), Err(RegelError::Tijd(_))));
    }

    #[test]
    fn a_commitment_is_the_hash_of_salt_and_value() {
        // Python: hashlib.sha256(bytes(32) + b"abc").hexdigest()
        let expected = "365aa7d8f7f9402c4b9434502b4cc89ddb09fe50d7cd95b493b834c62d5a5370";
        assert_eq!(commitment(&[0; 32], b"abc"), expected);
        assert_ne!(commitment(&[1; 32], b"abc"), expected);
    }
}
