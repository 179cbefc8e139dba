// Problems by code: what happened, what to do, what is safe. The core's own English stays a detail.

import type { Problem } from '../backend/types';
import { m } from '../paraglide/messages';

export interface Explained { title: string; help: string }

export function explain(problem: Problem): Explained {
  const detail = problem.detail ?? '';
  switch (problem.code) {
    case 'bad_input': return { title: m.problem_bad_input(), help: m.problem_bad_input_help() };
    case 'not_found': return { title: m.problem_not_found(), help: m.problem_not_found_help() };
    case 'ambiguous': return { title: m.problem_ambiguous(), help: m.problem_ambiguous_help() };
    case 'not_allowed': return { title: m.problem_not_allowed(), help: m.problem_not_allowed_help() };
    case 'sign_in_needed': return { title: m.problem_sign_in(), help: m.problem_sign_in_help() };
    case 'offline': return { title: m.problem_offline(), help: m.problem_offline_help() };
    case 'refused': return { title: m.problem_refused(), help: m.problem_refused_help() };
    case 'in_use':
    case 'busy': return { title: detail === '' ? m.problem_in_use() : m.problem_in_use_by({ holder: detail }), help: m.problem_in_use_help() };
    case 'unsent': return { title: m.problem_unsent(), help: m.problem_unsent_help() };
    case 'secrets': return { title: m.problem_secrets(), help: m.problem_secrets_help() };
    case 'io':
    case 'full': return { title: m.problem_io(), help: m.problem_io_help() };
    case 'damaged': return { title: m.problem_damaged(), help: m.problem_damaged_help() };
    case 'newer': return { title: m.problem_newer(), help: m.problem_newer_help() };
    case 'foreign':
    case 'missing': return { title: m.problem_missing(), help: m.problem_missing_help() };
    case 'bad_document': return { title: m.problem_document(), help: m.problem_document_help() };
    default: return { title: m.problem_unexpected(), help: m.problem_unexpected_help() };
  }
}

export function noticeText(code: string, text: string): Explained {
  switch (code) {
    case 'signed_in': return { title: m.notice_signed_in(), help: '' };
    case 'session_only': return { title: m.notice_session_only(), help: m.notice_session_only_help() };
    case 'recovered': return { title: m.notice_recovered(), help: m.notice_recovered_help() };
    case 'link_refused': return { title: m.link_refused(), help: m.link_refused_help() };
    default: {
      const known = explain({ code, text, detail: null });
      return known.title === m.problem_unexpected() ? { title: text === '' ? code : text, help: '' } : known;
    }
  }
}
