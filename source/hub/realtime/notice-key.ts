import type {Database} from '../database/database.ts';
import {ownScope} from './catalog.ts';

/**
 * Hands on what comes with the key that is before each notice of this database: anyone may NOTIFY, and only the database's own
 * triggers can read it. What comes before it is known waits; when it cannot be read, the next notice asks again.
 */
export function withNoticeKey(
	database: Database,
	hear: (text: string, key: string) => void,
	onFault: (error: unknown) => void,
): (text: string) => void {
	let key: string | null = null;
	let asking = false;
	const waiting: string[] = [];
	const tell = (text: string, known: string): void => {
		try {
			hear(text, known);
		} catch (error) {
			onFault(error);
		}
	};
	const ask = async (): Promise<void> => {
		asking = true;
		try {
			const [result] = await database.run(ownScope, [{text: 'select key from realtime.notice_key'}]);
			const found = result?.rows[0]?.['key'];
			key = typeof found === 'string' ? found : '';
			for (const text of waiting.splice(0)) tell(text, key);
		} catch (error) {
			onFault(error);
		} finally {
			asking = false;
		}
	};
	void ask();
	return text => {
		if (key !== null) return tell(text, key);
		waiting.push(text);
		if (!asking) void ask();
	};
}
