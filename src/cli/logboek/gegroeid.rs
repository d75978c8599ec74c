//! What a running gateway proves of its newest checkpoint to who kept an earlier one, recomputed here.

use std::path::Path;

use tonic::{Code, Status, transport::Channel};

use super::toezicht::{client, inzage};
use crate::{
    cli::{Failure, beheer::CALL_DEADLINE, partner::with_deadline},
    client::Profile,
    logboek::{self, Checkpoint, Logregel, Soort, TlogProof, VerifyKey, verify_consistency},
    proto::{self, client::ToezichtServiceClient},
};

/// A checkpoint: as it is signed, and what it says.
pub(super) struct Nota {
    pub(super) nota: String,
    pub(super) checkpoint: Checkpoint,
}

/// What came of comparing with what was kept.
pub(super) enum Vergeleken {
    /// The newest checkpoint goes on from it, over a logboek that was damaged if `hersteld`.
    Verder { nieuw: Nota, hersteld: bool },
    /// It does not: why, and the checkpoint that the gateway shows instead.
    Gesplitst { waarom: String, nieuw: Nota },
}

/// A running gateway, for an FG or auditor.
pub(super) struct Poort {
    profile: Profile,
    client: ToezichtServiceClient<Channel>,
    inzage: proto::Inzage,
}

impl Poort {
    pub(super) async fn of(dir: &Path) -> Result<Self, Failure> {
        let profile = Profile::load(dir)?;
        let (client, inzage) = (client(&profile).await?, inzage(&profile, (None, None)));
        Ok(Self { profile, client, inzage })
    }

    /// The newest checkpoint, and the key that the gateway names.
    pub(super) async fn newest(&mut self) -> Result<(proto::GetCheckpointResponse, VerifyKey), Failure> {
        let request = proto::GetCheckpointRequest { inzage: Some(self.inzage.clone()) };
        let answer = self.client.get_checkpoint(with_deadline(request, CALL_DEADLINE)).await;
        let answer = answer.map_err(|status| self.failure(&status))?.into_inner();
        let key = answer.vkey.parse().map_err(|error| Failure::Refused(format!("vkey van de poort: {error}")))?;
        Ok((answer, key))
    }

    fn failure(&self, status: &Status) -> Failure {
        self.profile.failure(status).into()
    }

    /// Has the gateway prove that its newest checkpoint goes on from the one that was kept.
    pub(super) async fn compare(&mut self, kept: &Nota, key: &VerifyKey) -> Result<Vergeleken, Failure> {
        let (newest, _) = self.newest().await?;
        let nieuw = opened(&newest.checkpoint, key)?;
        let split = |waarom: String, nieuw: Nota| Ok(Vergeleken::Gesplitst { waarom, nieuw });
        let request =
            proto::GetConsistencyProofRequest { inzage: Some(self.inzage.clone()), checkpoint: kept.nota.clone() };
        let grown = match self.client.get_consistency_proof(with_deadline(request, CALL_DEADLINE)).await {
            Ok(grown) => grown.into_inner(),
            Err(status) if status.code() == Code::NotFound => {
                let waarom = "De poort zegt uw checkpoint niet te kennen, terwijl het met haar sleutel is ondertekend.";
                return split(waarom.to_owned(), nieuw);
            }
            Err(status) => return Err(self.failure(&status)),
        };
        let head = opened(&grown.checkpoint, key)?;
        let (old, new) = (&kept.checkpoint, &head.checkpoint);
        let hashes = grown.hashes.iter().map(|hash| hash.as_slice().try_into());
        let proven = match hashes.collect::<Result<Vec<[u8; 32]>, _>>() {
            Ok(hashes) => {
                verify_consistency(old.size, &old.root, new.size, &new.root, &hashes).map_err(|error| error.to_string())
            }
            Err(_) => Err("een hash heeft geen 32 bytes".to_owned()),
        };
        if let Err(error) = proven.and_then(|()| same_origin(old, new)) {
            return split(format!("Het bewijs dat het logboek alleen is aangevuld klopt niet: {error}."), head);
        }
        if nieuw.checkpoint.origin == head.checkpoint.origin {
            return Ok(Vergeleken::Verder { nieuw: head, hersteld: false });
        }
        self.next(newest.logboek_eerste, kept, &head, key).await
    }

    /// Has the gateway prove that the newest logboek begins by naming the head of the one before it.
    async fn next(&mut self, eerste: u64, kept: &Nota, head: &Nota, key: &VerifyKey) -> Result<Vergeleken, Failure> {
        let request = proto::GetProofRequest { inzage: Some(self.inzage.clone()), log_index: eerste };
        let proof = self.client.get_proof(with_deadline(request, CALL_DEADLINE)).await;
        let proof = proof.map_err(|status| self.failure(&status))?.into_inner().bewijs;
        let wrong = |error: String| Failure::Refused(format!("het bewijs van logregel {eerste} klopt niet: {error}"));
        let proof: TlogProof = proof.parse().map_err(|error: logboek::ProofError| wrong(error.to_string()))?;
        let nieuw = opened(&proof.checkpoint, key)?;
        let named = key.named(&nieuw.checkpoint.origin).map_err(|error| wrong(error.to_string()))?;
        let verified = proof.verify(&named).map_err(|error| wrong(error.to_string()))?;
        let first = Logregel::from_leaf(&verified.leaf).map_err(|error| wrong(error.to_string()))?;
        let is_named = |line: &Option<String>, of: &Nota| line.as_deref() == Some(&*of.checkpoint.line());
        if verified.index == 0 && is_named(&first.gesloten, head) {
            return Ok(Vergeleken::Verder { nieuw, hersteld: false });
        }
        if verified.index == 0 && first.soort == Soort::LogHersteld && is_named(&first.bewaard, kept) {
            return Ok(Vergeleken::Verder { nieuw, hersteld: true });
        }
        Err(Failure::Usage(format!(
            "sinds uw checkpoint is meer dan een logboek gesloten; vraag beheer om een export van {} en gebruik --export",
            kept.checkpoint.origin
        )))
    }
}

fn same_origin(old: &Checkpoint, new: &Checkpoint) -> Result<(), String> {
    if old.origin == new.origin { Ok(()) } else { Err(format!("het gaat over {}", new.origin)) }
}

/// A checkpoint that was signed with this key, of whatever logboek.
pub(super) fn opened(nota: &str, key: &VerifyKey) -> Result<Nota, Failure> {
    let named = key.named(nota.lines().next().unwrap_or_default());
    let checkpoint = named.and_then(|key| logboek::open(nota, &key));
    let checkpoint = checkpoint.map_err(|error| Failure::Refused(format!("checkpoint van de poort: {error}")))?;
    Ok(Nota { nota: nota.to_owned(), checkpoint })
}
