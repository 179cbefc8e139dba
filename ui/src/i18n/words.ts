// Words for the states and kinds that the core speaks of by code.

import type { Chip, ConflictCard, LayerKind, LogLine, PendingEntry, SaveStep } from '../backend/types';
import { m } from '../paraglide/messages';
import { ago } from './format';

export function chipText(chip: Chip): string {
  const n = chip.toSend;
  switch (chip.kind) {
    case 'up-to-date': return m.chip_up_to_date();
    case 'offline': return n > 0 ? m.chip_offline_n({ n }) : m.chip_offline();
    case 'syncing': return chip.total > 0 ? m.chip_syncing_n({ done: chip.done, total: chip.total }) : m.chip_syncing();
    case 'waiting': return n + chip.toSave > 0 ? m.chip_waiting_n({ n: n + chip.toSave }) : m.chip_waiting();
    case 'decisions': return m.chip_decisions({ n: chip.decisions });
    case 'sign-in': return m.chip_sign_in();
    case 'read-only': return m.chip_read_only();
    case 'trouble': return m.chip_trouble();
    case 'local-only': return n > 0 ? m.chip_local_n({ n }) : m.chip_local();
  }
}

/** The smaller words beside the chip's: since when. */
export function chipTime(chip: Chip, now: number): string {
  return chip.at === null ? '' : ago(chip.at, now);
}

export function stepText(step: SaveStep): string {
  switch (step) {
    case 'local': return m.step_local();
    case 'sent': return m.step_sent();
    case 'echoed': return m.step_echoed();
    case 'saved': return m.step_saved();
    case 'verified': return m.step_verified();
    case 'superseded': return m.step_superseded();
    case 'lost': return m.step_lost();
    case 'unsaved': return m.step_unsaved();
    case 'none': return m.step_none();
  }
}

export function verbText(verb: PendingEntry['verb']): string {
  return { added: m.verb_added, changed: m.verb_changed, deleted: m.verb_deleted }[verb]();
}

export function historyVerb(verb: string): string {
  if (verb === 'upsert') return m.verb_added();
  return verb === 'delete' ? m.verb_deleted() : m.verb_changed();
}

export function kindText(kind: LayerKind): string {
  return {
    Default: m.kind_default, Cluster: m.kind_cluster, Heat: m.kind_heat, Choropleth: m.kind_choropleth,
    Categorized: m.kind_categorized, Circles: m.kind_circles,
  }[kind]();
}

export function conflictText(kind: ConflictCard['kind']): string {
  return {
    value: m.conflict_value, 'deleted-while-edited': m.conflict_deleted, 'edited-while-deleted': m.conflict_edited,
    'layer-deleted': m.conflict_layer, 'lost-change': m.conflict_lost,
  }[kind]();
}

/** An edit of what somebody else deleted meanwhile: kept here until it is decided. */
export function isRecovered(card: ConflictCard): boolean {
  return card.kind === 'deleted-while-edited' || card.kind === 'layer-deleted';
}

/** A line of the log; `nameOf` gives the name of a layer that the line speaks of by id. */
export function logText(line: LogLine, nameOf: (layer: string) => string | undefined): string {
  const detail = line.detail;
  const [first = ''] = detail.split(' ');
  const known: Record<string, () => string> = {
    live: m.log_live, disconnected: m.log_disconnected, not_let_in: m.log_not_let_in, verified: m.log_verified,
    peer_joined: () => m.log_peer_joined({ name: detail === '' ? m.anonymous() : detail }), peer_left: m.log_peer_left, bad_frame: m.log_bad_frame,
    saved: () => (nameOf(first) === undefined ? m.log_saved() : m.log_saved_what({ what: nameOf(first) ?? '' })),
    failed: () => m.log_failed({ why: detail }), refused: () => m.log_refused({ n: Number(first) || 1 }), peer_clock_ahead: m.log_clock_peer,
    real_time_off: m.log_real_time_off, clock_skew: m.log_clock, left_unsaved: m.log_left_unsaved, not_saved: () => m.log_not_saved({ why: detail.replace(/^[^:]*: /, '') }),
  };
  return known[line.code]?.() ?? (detail === '' ? line.code : `${line.code}: ${detail}`);
}

/** An undo unit's label: our own words, or a code of the core's. */
export function labelText(label: string): string {
  const known: Record<string, () => string> = {
    'new-map': m.label_new_map, import: m.label_import, 'take back': m.label_take_back, 'take-back': m.label_take_back,
    resolve: m.label_decision, decide: m.label_decision, approve: m.label_approve,
  };
  return known[label]?.() ?? label;
}

/** The types of fields, with their names. */
export function fieldTypes(): [string, string][] {
  return [['String', m.type_string()], ['Text', m.type_text()], ['Number', m.type_number()], ['Date', m.type_date()], ['Datetime', m.type_datetime()], ['Boolean', m.type_boolean()], ['Enum', m.type_enum()]];
}

/** Who may edit and who may see the map, as its server says; empty where that is not known. */
export function editStatusText(status: number | null): string {
  return [null, m.edit_everyone, m.edit_collaborators, m.edit_owner][status ?? 0]?.() ?? '';
}

export function shareStatusText(status: number | null): string {
  return status === null ? '' : ([m.share_draft, m.share_public, m.share_link, m.share_private][status]?.() ?? '');
}
