//! Sealing: AES-256-GCM with a key commitment.
//!
//! A sealed value is `nonce (12) || commitment (32) || ciphertext and tag`. AES-GCM alone does not bind a ciphertext
//! to one key; the HMAC-SHA-256 commitment does. Content holds its salt before its bytes.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    constant_time::verify_slices_are_equal,
    hmac,
};
use jiff::civil::Date;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::{Adres, BerichtId, Kenmerk, Oin, Rng, Stempel};

const COMMITMENT_LEN: usize = 32;
const COMMITMENT_LABEL: &[u8] = b"ketenpoort/v1 key commitment";
const PSEUDONIEM_LABEL: &[u8] = b"ketenpoort/v1 pseudonym";
const KENMERK_LABEL: &[u8] = b"ketenpoort/v1 key mark";
const FINGERPRINT_LABEL: &[u8] = b"ketenpoort/v1 request fingerprint";

/// A sealed value that does not open: altered, cut short, or sealed for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with this key and context")]
pub struct SealError;

/// A 256-bit secret, wiped when dropped.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// A new random secret.
    pub fn random(rng: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Takes over existing bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// The same secret once more.
    pub(super) fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    /// The bytes, to be wrapped or written under protection.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// This secret made ready to seal and open many values.
    pub(super) fn sealer(&self) -> Sealer {
        let key = UnboundKey::new(&AES_256_GCM, self.bytes()).expect("an AES-256 key has 32 bytes");
        Sealer { cipher: LessSafeKey::new(key), mac: self.mac() }
    }

    fn mac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.bytes())
    }

    fn tag(&self, label: &[u8], data: &[u8]) -> hmac::Tag {
        tag(&self.mac(), label, data)
    }

    /// The pseudonym of a mark of a person: HMAC-SHA-256 (RFC 2104) under this key.
    #[must_use]
    pub fn pseudoniem(&self, kenmerk: Kenmerk, text: &str) -> [u8; 32] {
        let data = format!("{kenmerk}\n{text}");
        let tag = self.tag(PSEUDONIEM_LABEL, data.as_bytes());
        tag.as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    /// The pseudonym of an employee (medewerker) of the organisation with this OIN: HMAC-SHA-256 under this key. The same reference
    /// means somebody else at another organisation.
    #[must_use]
    pub fn medewerker(&self, oin: &Oin, medewerker: &str) -> [u8; 32] {
        let data = format!("medewerker\n{oin}\n{medewerker}");
        self.tag(PSEUDONIEM_LABEL, data.as_bytes()).as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    /// Another secret, made from this one for a purpose and a name.
    pub(super) fn derive(&self, label: &[u8], name: &[u8]) -> Self {
        let tag = self.tag(label, name);
        Self::from_bytes(tag.as_ref()).expect("HMAC-SHA-256 has 32 bytes")
    }

    /// By what this key can be recognised without being known.
    pub(super) fn mark(&self) -> [u8; 32] {
        self.tag(KENMERK_LABEL, b"").as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    /// Seals `plain` for this context.
    #[must_use]
    pub fn seal(&self, plain: Zeroizing<Vec<u8>>, aad: &[u8], rng: &dyn Rng) -> Vec<u8> {
        self.sealer().seal(plain, aad, rng)
    }

    /// Opens what [`Secret::seal`] made for the same context.
    ///
    /// # Errors
    /// [`SealError`] when anything differs.
    pub fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.sealer().open(sealed, aad)
    }
}

fn tag(mac: &hmac::Key, label: &[u8], data: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(mac);
    context.update(label);
    context.update(data);
    context.sign()
}

/// A [`Secret`] that seals and opens many values: its keys are made ready once.
pub(super) struct Sealer {
    cipher: LessSafeKey,
    mac: hmac::Key,
}

impl Sealer {
    pub(super) fn seal(&self, mut plain: Zeroizing<Vec<u8>>, aad: &[u8], rng: &dyn Rng) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(NONCE_LEN + COMMITMENT_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(tag(&self.mac, COMMITMENT_LABEL, &nonce).as_ref());
        let tag = self
            .cipher
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut plain)
            .expect("content is far below the limit of AES-GCM");
        sealed.extend_from_slice(&plain);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    pub(super) fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
        let (commitment, ciphertext) = rest.split_first_chunk::<COMMITMENT_LEN>().ok_or(SealError)?;
        let expected = tag(&self.mac, COMMITMENT_LABEL, nonce);
        verify_slices_are_equal(commitment, expected.as_ref()).map_err(|_| SealError)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .cipher
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut buffer)
            .map_err(|_| SealError)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// The key of one bericht.
pub struct DataKey(Secret);

/// Content as it was sent, with the salt of its commitment.
pub struct Opened {
    /// 32 random bytes.
    pub zout: [u8; 32],
    /// The content exactly as stored.
    pub inhoud: Zeroizing<Vec<u8>>,
}

/// What became of opening content.
pub enum Opening {
    /// It opened.
    Opened(Opened),
    /// The key of its day is there, and it does not open with it: it was altered or cut short.
    Damaged,
    /// The key of its day is not at hand. That says nothing of the content.
    NoKey,
}

/// Opens content with the day keys that are at hand, without waiting for anything.
pub trait Opener: Send + Sync {
    /// Opens `sealed` by the key that was wrapped for this ontvanger.
    fn open(&self, context: &WrapContext<'_>, wrapped: &[u8], sealed: &[u8]) -> Opening;
}

impl DataKey {
    /// A new random key.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(Secret::random(rng))
    }

    /// Seals content and salt; bound to the bericht and its sender.
    #[must_use]
    pub fn seal(&self, id: BerichtId, afzender: &Adres, zout: &[u8; 32], inhoud: &[u8], rng: &dyn Rng) -> Vec<u8> {
        let mut plain = Zeroizing::new(Vec::with_capacity(zout.len() + inhoud.len()));
        plain.extend_from_slice(zout);
        plain.extend_from_slice(inhoud);
        self.0.seal(plain, &content_aad(id, afzender), rng)
    }

    /// Opens sealed content.
    ///
    /// # Errors
    /// [`SealError`] when it is not this bericht's.
    pub fn open(&self, id: BerichtId, afzender: &Adres, sealed: &[u8]) -> Result<Opened, SealError> {
        let plain = self.0.open(sealed, &content_aad(id, afzender))?;
        let (zout, inhoud) = plain.split_first_chunk::<32>().ok_or(SealError)?;
        Ok(Opened { zout: *zout, inhoud: Zeroizing::new(inhoud.to_vec()) })
    }

    /// Wraps this key for one ontvanger.
    #[must_use]
    pub fn wrap(&self, day_key: &DayKeyRef<'_>, context: &WrapContext<'_>, rng: &dyn Rng) -> Vec<u8> {
        day_key.key.seal(Zeroizing::new(self.0.bytes().to_vec()), &context.aad(day_key.day, day_key.epoch), rng)
    }

    /// Unwraps the key of an ontvanger.
    ///
    /// # Errors
    /// [`SealError`] when it was wrapped for another ontvanger, stamp or day.
    pub fn unwrap(day_key: &DayKeyRef<'_>, context: &WrapContext<'_>, wrapped: &[u8]) -> Result<Self, SealError> {
        let plain = day_key.key.open(wrapped, &context.aad(day_key.day, day_key.epoch))?;
        Secret::from_bytes(&plain).map(Self).ok_or(SealError)
    }
}

/// What a repeated request needs: to see that it is the same, and the salt that stands in its receipt. Sealed apart from the
/// content, because it is needed where the content is not kept.
pub struct Herhaling {
    sleutel: Secret,
    /// The salt of the commitment to the content.
    pub inhoud_zout: [u8; 32],
}

impl Herhaling {
    /// With a new key and a new salt.
    pub fn random(rng: &dyn Rng) -> Self {
        let mut inhoud_zout = [0; 32];
        rng.fill(&mut inhoud_zout);
        Self { sleutel: Secret::random(rng), inhoud_zout }
    }

    /// A fingerprint of the request that only who has this key can compare.
    #[must_use]
    pub fn fingerprint(&self, request: &[u8; 32]) -> Vec<u8> {
        self.sleutel.tag(FINGERPRINT_LABEL, request).as_ref().to_vec()
    }

    /// Seals it under a day key; bound to its bericht.
    #[must_use]
    pub fn seal(&self, day_key: &DayKeyRef<'_>, context: &HerhalingContext<'_>, rng: &dyn Rng) -> Vec<u8> {
        let plain = [self.sleutel.bytes().as_slice(), &self.inhoud_zout].concat();
        day_key.key.seal(Zeroizing::new(plain), &context.aad(day_key), rng)
    }

    /// Opens what [`Herhaling::seal`] made.
    ///
    /// # Errors
    /// [`SealError`] when it is not this bericht's.
    pub fn open(day_key: &DayKeyRef<'_>, context: &HerhalingContext<'_>, sealed: &[u8]) -> Result<Self, SealError> {
        let plain = day_key.key.open(sealed, &context.aad(day_key))?;
        let (sleutel, zout) = plain.split_first_chunk::<32>().ok_or(SealError)?;
        let inhoud_zout = zout.try_into().map_err(|_| SealError)?;
        Ok(Self { sleutel: Secret::from_bytes(sleutel).ok_or(SealError)?, inhoud_zout })
    }
}

/// What a [`Herhaling`] is bound to: what no regel says of its bericht, and what is compared when it is sent again.
pub struct HerhalingContext<'a> {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its sender.
    pub afzender: &'a Adres,
    /// By what its sender knows it.
    pub request_id: Uuid,
    /// Whether it disputes an earlier bericht.
    pub betwist: bool,
    /// The fingerprint of the request.
    pub vingerafdruk: &'a [u8],
}

impl HerhalingContext<'_> {
    fn aad(&self, day_key: &DayKeyRef<'_>) -> Vec<u8> {
        let Self { bericht, afzender, request_id, betwist, vingerafdruk } = self;
        let (vingerafdruk, day, epoch) = (hex::encode(vingerafdruk), day_key.day, day_key.epoch);
        format!("herhaling\n{bericht}\n{afzender}\n{request_id}\n{betwist}\n{vingerafdruk}\n{day}\n{epoch}")
            .into_bytes()
    }
}

/// A day key in use.
pub struct DayKeyRef<'a> {
    /// The day until which content under it is houdbaar.
    pub day: Date,
    /// The root epoch under which the day key was made.
    pub epoch: u32,
    /// The key.
    pub key: &'a Secret,
}

/// What a wrapped key is bound to.
pub struct WrapContext<'a> {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its sender.
    pub afzender: &'a Adres,
    /// Its ontvanger.
    pub ontvanger: &'a Adres,
    /// The stamp for that ontvanger.
    pub stempel: &'a Stempel,
}

impl WrapContext<'_> {
    fn aad(&self, day: Date, epoch: u32) -> Vec<u8> {
        // None of the parts can hold a newline, so that no two contexts encode alike.
        let Self { bericht, afzender, ontvanger, stempel } = self;
        let Stempel { grondslag, regel, bewaar_inhoud, .. } = stempel;
        let bewaar = bewaar_inhoud.as_str();
        format!("{bericht}\n{afzender}\n{ontvanger}\n{grondslag}\n{regel}\n{bewaar}\n{day}\n{epoch}").into_bytes()
    }
}

fn content_aad(id: BerichtId, afzender: &Adres) -> Vec<u8> {
    format!("{id}\n{afzender}").into_bytes()
}
