//! A whole logboek that was read and verified: out of the database of a gateway, or out of an export.

use std::{fs, path::Path};

use crate::{
    cli::{Failure, progress::Bar},
    files,
    logboek::{
        self, Checkpoint, Logregel, MOST_LEAF_BYTES, MOST_NOTE_BYTES, TILE_WIDTH, VerifyKey, check_leaf,
        statisch::{WholeTree, entries, files as files_of, path},
    },
    store::{
        Pool,
        ledger::{regels::regel, statisch::Boom},
        verify::{self, VerifyError, log::Kept},
    },
};

/// Takes the entries of a logboek, as the bundles that they are published in: path and bytes.
pub(super) type Bundle<'a> = dyn FnMut(&str, &[u8]) -> Result<(), Failure> + Send + 'a;

/// A logboek whose regels, tree and checkpoint belong together.
pub(super) struct Geheel {
    pub(super) tree: WholeTree,
    pub(super) checkpoint: Checkpoint,
    pub(super) nota: String,
    /// Its first regel.
    pub(super) first: Logregel,
}

/// Bytes of the largest bundle of entries.
const LARGEST_BUNDLE: u64 = TILE_WIDTH * (2 + MOST_LEAF_BYTES as u64);

fn refused(what: impl Into<String>) -> Failure {
    Failure::Refused(what.into())
}

/// Reads one logboek of a database, by its name or the newest. All of them are verified by themselves; each whole bundle of entries is
/// handed to `bundle`.
pub(super) async fn of_database(
    read: &Pool,
    key: &VerifyKey,
    kept: &[Kept],
    naam: Option<&str>,
    bundle: &mut Bundle<'_>,
) -> Result<Geheel, Failure> {
    let bar = Bar::of("nagerekend");
    let logs = verify::logboeken(read, key, kept, &|done, all| bar.at(done, all)).await?;
    drop(bar);
    let names: Vec<&str> = logs.iter().map(|log| log.naam.as_str()).collect();
    let unknown = || Failure::Usage(format!("dat logboek is er niet; er zijn: {}", names.join(", ")));
    let log = match naam {
        Some(naam) => logs.iter().find(|log| log.naam == naam).ok_or_else(unknown)?,
        None => logs.last().ok_or_else(unknown)?,
    };
    if log.nota.is_empty() {
        return Err(refused(format!("logboek {} heeft nog geen regels", log.naam)));
    }
    if log.vouched.is_some() {
        return Err(refused(format!(
            "logboek {} is beschadigd gesloten: geen checkpoint staat in voor al zijn regels",
            log.naam
        )));
    }
    let checkpoint = logboek::open(&log.nota, &key.named(&log.naam).map_err(|error| refused(error.to_string()))?);
    let checkpoint = checkpoint.map_err(|error| refused(format!("logboek {}: {error}", log.naam)))?;
    let mut boom = Boom::new(log.eerste, checkpoint.size);
    while let Some(whole) = boom.read_on(read).await? {
        whole.iter().try_for_each(|(name, bytes)| bundle(name, bytes))?;
    }
    let tree = boom.tree();
    let first = regel(read, log.eerste).await?.map(|leaf| Logregel::from_leaf(&leaf));
    let first = first.transpose().map_err(|error| refused(error.to_string()))?.unwrap_or_default();
    Ok(Geheel { tree, checkpoint, nota: log.nota.clone(), first })
}

/// The public key that lies with an export.
pub(super) fn vkey_of_export(dir: &Path) -> Result<VerifyKey, Failure> {
    let text = file(dir, "vkey", 4096)?;
    let text = String::from_utf8(text).map_err(|_| refused("vkey is geen tekst"))?;
    text.trim_end_matches('\n').parse().map_err(|error| refused(format!("vkey: {error}")))
}

fn file(dir: &Path, name: &str, most: u64) -> Result<Vec<u8>, Failure> {
    files::read(&dir.join(name), most).map_err(|error| refused(format!("{}: {error}", dir.join(name).display())))
}

/// Reads an export, and verifies all of it with the public key: each regel, each tile, the checkpoint.
pub(super) fn of_export(dir: &Path, key: &VerifyKey, kept: &[Kept]) -> Result<Geheel, Failure> {
    if !fs::metadata(dir).is_ok_and(|dir| dir.is_dir()) {
        return Err(Failure::Usage(format!("{} is geen map met een export", dir.display())));
    }
    let nota = String::from_utf8(file(dir, "checkpoint", MOST_NOTE_BYTES as u64)?);
    let nota = nota.map_err(|_| refused("checkpoint is geen tekst"))?;
    let naam = nota.lines().next().unwrap_or_default();
    let signed = key.named(naam).and_then(|key| logboek::open(&nota, &key));
    let checkpoint = signed.map_err(|error| refused(format!("checkpoint: {error}")))?;
    let (tree, first) = entries_of(dir, checkpoint.size)?;
    if tree.root() != checkpoint.root {
        return Err(refused(format!(
            "de regels in deze export zijn niet die van haar checkpoint van {} regels",
            checkpoint.size
        )));
    }
    for (niveau, nummer, width) in files_of(checkpoint.size) {
        let Some(niveau) = niveau else { continue };
        let name = path(Some(niveau), nummer, width);
        let right = tree.tile(niveau, nummer).and_then(|tile| tile.get(..usize::try_from(width).ok()? * 32));
        if Some(file(dir, &name, 32 * TILE_WIDTH)?.as_slice()) != right {
            return Err(refused(format!("{name} hoort bij andere regels")));
        }
    }
    for kept in kept {
        compare(&tree, &checkpoint, kept.checkpoint())?;
    }
    Ok(Geheel { tree, checkpoint, nota, first })
}

fn entries_of(dir: &Path, size: u64) -> Result<(WholeTree, Logregel), Failure> {
    let (mut tree, mut first, mut tijd): (_, _, Option<String>) = (WholeTree::default(), None, None);
    for (niveau, nummer, width) in files_of(size).filter(|(niveau, ..)| niveau.is_none()) {
        let name = path(niveau, nummer, width);
        let bundle = file(dir, &name, LARGEST_BUNDLE)?;
        for leaf in entries(&bundle, width).map_err(|error| refused(format!("{name}: {error}")))? {
            let regel = check_leaf(leaf, tijd.as_deref());
            let regel = regel.map_err(|error| refused(format!("regel {}: {error}", tree.size())))?;
            tijd = Some(regel.tijd.clone());
            first.get_or_insert(regel);
            tree.push(leaf);
        }
    }
    Ok((tree, first.unwrap_or_default()))
}

/// Whether a tree begins with the one that a kept checkpoint was signed for.
pub(super) fn compare(tree: &WholeTree, checkpoint: &Checkpoint, kept: &Checkpoint) -> Result<(), VerifyError> {
    if kept.origin != checkpoint.origin {
        return Err(VerifyError::OtherLogboek { kept: kept.origin.clone(), found: checkpoint.origin.clone() });
    }
    match tree.root_at(kept.size) {
        None => Err(VerifyError::Cut { index: checkpoint.size, kept: kept.line(), found: checkpoint.line() }),
        Some(root) if root != kept.root => {
            let found = Checkpoint { origin: kept.origin.clone(), size: kept.size, root };
            Err(VerifyError::Forked { kept: kept.line(), found: found.line() })
        }
        Some(_) => Ok(()),
    }
}
