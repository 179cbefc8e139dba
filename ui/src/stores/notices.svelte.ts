// Short messages at the edge of the window. Errors stay until they are closed.

export type NoticeLevel = 'info' | 'good' | 'warning' | 'error';

export interface NoticeAction { label: string; run: () => void }

export interface Notice {
  id: number;
  level: NoticeLevel;
  title: string;
  text: string;
  detail: string;
  action: NoticeAction | null;
}

const STAY_MS = 9000;
const MOST = 4;

export class Notices {
  list = $state<Notice[]>([]);
  private next = 1;

  add(level: NoticeLevel, title: string, text = '', options: { detail?: string; action?: NoticeAction } = {}): void {
    const notice: Notice = { id: this.next++, level, title, text, detail: options.detail ?? '', action: options.action ?? null };
    const others = this.list.filter((other) => other.title !== title || other.text !== text);
    this.list = [...others, notice].slice(-MOST);
    if (level === 'info' || level === 'good') setTimeout(() => this.close(notice.id), STAY_MS);
  }

  clear(): void {
    this.list = [];
  }

  close(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }
}
