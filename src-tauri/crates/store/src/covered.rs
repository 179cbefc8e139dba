//! Own writes that vanish under a write above them, as when somebody replaces all settings of a
//! layer: each is a loss of its own (M1).

use bivouac_journal::ids::Object;
use bivouac_journal::json::Json;
use bivouac_journal::merge::Register;
use bivouac_journal::operation::{Operation, Write};
use bivouac_journal::path::Path;

use crate::conflict::{ConflictKind, NewConflict};
use crate::error::Result;
use crate::stage::SaveState;
use crate::tx::Tx;

impl Tx<'_> {
    /// Our registers below these writes, looked at before they are applied.
    pub(crate) fn below(&mut self, object: &Object, writes: &[Write]) -> Result<Vec<(Path, Register)>> {
        // Only settings of layers and of the map are ever replaced as a whole.
        if matches!(object, Object::Feature(..)) {
            return Ok(Vec::new());
        }
        let own = self.clock()?.id().to_owned();
        let registers = self.state(object)?.registers();
        let below = registers.iter().filter(|(path, register)| {
            *register.order.id == *own && writes.iter().any(|write| write.path.covers(path))
        });
        Ok(below.map(|(path, register)| (path.clone(), register.clone())).collect())
    }

    /// Those that are gone after the writes were applied: replaced by ourselves, or lost.
    pub(crate) fn settle_covered(
        &mut self,
        operation: &Operation,
        below: Vec<(Path, Register)>,
        theirs: Option<i64>,
        now_ms: u64,
        opened: &mut Vec<i64>,
    ) -> Result<()> {
        for (path, register) in below {
            let state = self.state(&operation.object)?;
            if state.registers().contains_key(&path) {
                continue;
            }
            let shown = bivouac_journal::project::document(state);
            let document = serde_json::Value::Object(shown);
            let value = path.segments().try_fold(&document, |at, segment| at.get(segment)).map(Json::from_value);
            let Some(row) = theirs else {
                self.settle_loser(&operation.object, &register, SaveState::Superseded)?;
                continue;
            };
            let Some(local) = self.locals_behind(&register)?.pop() else { continue };
            if value == register.value {
                continue;
            }
            let new = NewConflict {
                object: &operation.object,
                path: &path,
                kind: ConflictKind::Value,
                mine: register.value.clone(),
                mine_row: local.row,
                theirs: value,
                theirs_row: row,
                theirs_order: operation.order(),
                theirs_sender: operation.sender.clone(),
            };
            opened.push(self.open_conflict(&new, now_ms)?);
            self.settle_loser(&operation.object, &register, SaveState::Lost)?;
        }
        Ok(())
    }
}
