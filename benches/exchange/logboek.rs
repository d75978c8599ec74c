//! How fast a whole logboek is gone through: verified, and kept and put back.

use std::time::{Duration, Instant};

use ketenpoort::{
    clock::SystemRng,
    sleutels::KeyDirectory,
    store::{Database, copy, verify},
};

use crate::{
    data::{DataDir, Place},
    measure::{Plan, cpu},
};

/// What all repetitions together took.
#[derive(Default)]
pub struct Gone {
    /// Of one repetition.
    pub regels: u64,
    times: u32,
    elapsed: Duration,
    cpu: Duration,
}

impl Gone {
    /// Regels a second.
    pub fn rate(&self) -> f64 {
        self.all() / self.elapsed.as_secs_f64()
    }

    /// Processor time of one regel, microseconds.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.all()
    }

    fn all(&self) -> f64 {
        let regels = u32::try_from(self.regels).expect("nobody fills a bench with so many");
        f64::from(regels) * f64::from(self.times)
    }

    fn note(&mut self, regels: u64, (began, cpu_before): (Instant, Duration)) {
        self.regels = regels;
        self.times += 1;
        self.elapsed += began.elapsed();
        self.cpu += cpu().saturating_sub(cpu_before);
    }
}

/// Verifies a logboek over and over; the first time, when pages come from the disk, does not count.
pub async fn verify(data: &DataDir, place: &Place, plan: Plan) -> anyhow::Result<Gone> {
    let config = data.config_of(place)?;
    let key = KeyDirectory::read_vkey(&config.sleutels)?.parse()?;
    let read = Database::read_only(&config.opslag).await?;
    verify::verify(&read, &key, &[], None, &|_, _| {}).await?;
    let mut gone = Gone::default();
    while gone.elapsed < plan.measured {
        let began = (Instant::now(), cpu());
        let sound = verify::verify(&read, &key, &[], None, &|_, _| {}).await?;
        gone.note(sound.regels(), began);
    }
    read.close().await;
    Ok(gone)
}

/// Keeps a database in a file, takes it out and puts it into an empty store of the same kind, over and over.
pub async fn restore(data: &DataDir, place: &Place, regels: u64, plan: Plan) -> anyhow::Result<Gone> {
    let config = data.config_of(place)?;
    let kenmerk = KeyDirectory::open(&config.sleutels, false, &SystemRng)?.mark();
    let mut gone = Gone::default();
    while gone.elapsed < plan.measured {
        let out = data.directory("kopie-")?.join("kopie.db");
        let empty = data.empty()?;
        let into = data.config_of(&empty)?;
        std::fs::create_dir(&into.sleutels)?;
        let began = (Instant::now(), cpu());
        let read = Database::read_only(&config.opslag).await?;
        copy::backup(&read, &config.sleutels, &out, &|_, _| {}).await?;
        read.close().await;
        let kept = copy::unpack(&out, Some(&kenmerk)).await?;
        copy::restore(&kept, &into.sleutels, &into.opslag, &|_, _| {}).await?;
        gone.note(regels, began);
        drop(kept);
        std::fs::remove_file(out)?;
        data.remove(empty)?;
    }
    Ok(gone)
}
