//! What an update that succeeded leaves behind beside the image: nothing, unless something is wrong with the module.

use super::App;
use crate::defect::Defect;
use crate::module::ModuleError;
use crate::update_info::UpdateInfo;
use bc66_wire::code::UpdateCode;

impl App {
    /// Tells the result of the last update, and forgets it once it is on the wire.
    pub(super) fn tell_result(&mut self) -> Result<(), ModuleError> {
        let info = UpdateInfo::load(&*self.flash(), &Self::LAYOUT)?;
        let UpdateInfo::Over(code) = info else {
            return Ok(());
        };
        self.print_end(code);
        if code == UpdateCode::Success {
            self.suffer()?;
        }
        UpdateInfo::Idle.store(&mut *self.flash(), &Self::LAYOUT)?;
        Ok(())
    }

    fn suffer(&mut self) -> Result<(), ModuleError> {
        let nvdm = self.nvdm();
        if self.settings.defects.has(Defect::LosesNetwork) {
            nvdm.save_network_lost(&mut *self.flash())?;
        }
        if self.settings.defects.has(Defect::ImeiLost) {
            nvdm.lose_imei(&mut *self.flash())?;
        }
        Ok(())
    }

    /// May the module ever register again?
    pub(super) fn finds_network(&self) -> Result<bool, ModuleError> {
        Ok(!self.nvdm().network_lost(&*self.flash())?)
    }
}
