//! The map of regions, imported by somebody of the operations team while the service runs.

use super::publish::{ImportError, ImportReport, Importer};
use super::{App, Deed, MapOptions};
use crate::exchange::RegionRules;
use crate::staff::Actor;
use crate::storage::PublishInfo;

impl App {
    /// Imports a file of regions and service areas, makes it live, and says so in the audit trail. Blocks.
    ///
    /// # Errors
    /// [`ImportError`] if storage fails; what is wrong with the file stands in the report.
    pub fn import_map(
        &self,
        actor: &Actor,
        (bytes, file_name): (&[u8], &str),
        rules: RegionRules,
        options: MapOptions,
    ) -> Result<ImportReport, ImportError> {
        let info = PublishInfo { at: self.now(), author: actor.name.clone(), note: file_name.to_owned() };
        let before = self.parts.storage.current_version()?;
        let report = Importer::new(&*self.parts.storage, info).map(bytes, file_name, rules, options)?;
        if let Some(version) = report.version.filter(|it| *it > before) {
            self.catch_up()?;
            let ImportReport { created, updated, removed, .. } = report;
            let after = format!("{{\"created\":{created},\"updated\":{updated},\"removed\":{removed}}}");
            let (action, target) = ("region.import", file_name.to_owned());
            self.record(actor, Deed { action, target, before: None, after: Some(after) }, Some(version))?;
        }
        Ok(report)
    }
}
