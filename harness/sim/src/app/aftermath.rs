//! What an update that succeeded leaves behind beside the image: nothing, unless something is wrong with the module.

use super::App;
use crate::defect::Defect;
use crate::module::ModuleError;
use crate::update_info::UpdateInfo;
use bc66_wire::code::UpdateCode;

impl App {
    /// The first boot after an update, before the network is looked for.
    pub(super) fn suffer_update(&mut self) -> Result<(), ModuleError> {
        let nvdm = self.nvdm();
        let defects = self.settings.defects;
        let mut flash = self.flash();
        if UpdateInfo::load(&*flash, &Self::LAYOUT)? != UpdateInfo::Over(UpdateCode::Success) {
            return Ok(());
        }
        if defects.has(Defect::LosesNetwork) {
            nvdm.save_network_lost(&mut *flash)?;
        }
        if defects.has(Defect::ImeiLost) {
            nvdm.lose_imei(&mut *flash)?;
        }
        Ok(())
    }

    /// May the module ever register again?
    pub(super) fn finds_network(&self) -> Result<bool, ModuleError> {
        Ok(!self.nvdm().network_lost(&*self.flash())?)
    }
}
