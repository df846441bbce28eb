import {spawn} from 'node:child_process';
import {MailboxError} from '../mailbox/error.ts';

/** Secrets in the system's keyring. They are passed over stdin and stdout, never in a program's arguments. */
export interface Keyring {
	/** The secret of the account, or null. Rejects with MailboxError `unauthorized`. */
	read(account: string): Promise<string | null>;
	write(account: string, secret: string): Promise<void>;
}

const service = 'agentmux';
/** Milliseconds: the keyring may ask the human for a password first. */
const timeout = 120_000;

/** The system's keyring: the Secret Service on Linux (secret-tool), the login keychain on macOS (security). */
export function systemKeyring(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Keyring {
	if (platform === 'darwin') return macKeychain(env);
	if (platform === 'linux') return secretService(env);
	throw new MailboxError(
		'invalid',
		`agentmux does not support a keyring on ${platform}.`,
		'Remove `key = "keyring"` from [identity] in config.toml: the key is then kept in a file that only you can read.',
	);
}

function secretService(env: NodeJS.ProcessEnv): Keyring {
	const attributes = (account: string): string[] => ['service', service, 'account', account];
	return {
		async read(account) {
			const {code, stdout, stderr} = await run(env, 'secret-tool', ['lookup', ...attributes(account)], '');
			if (code === 0 && stdout !== '') return stdout.trim();
			// It exits with 1 and prints nothing if there is no such secret.
			if (code === 1 && stderr.trim() === '') return null;
			throw refused('secret-tool', stderr);
		},
		async write(account, secret) {
			const args = ['store', '--label=agentmux: the key that signs what you write', ...attributes(account)];
			const {code, stderr} = await run(env, 'secret-tool', args, secret);
			if (code !== 0) throw refused('secret-tool', stderr);
		},
	};
}

/** `security -i` reads its commands from stdin, which keeps the secret out of its arguments. */
function macKeychain(env: NodeJS.ProcessEnv): Keyring {
	return {
		async read(account) {
			const args = ['find-generic-password', '-s', service, '-a', account, '-w'];
			const {code, stdout, stderr} = await run(env, 'security', args, '');
			if (code === 0) return stdout.trim();
			// errSecItemNotFound
			if (code === 44) return null;
			throw refused('security', stderr);
		},
		async write(account, secret) {
			// Both are base64url or JSON without spaces or single quotes, so each is one word.
			const line = `add-generic-password -U -s ${service} -a '${account}' -w '${secret}'\n`;
			const {code, stderr} = await run(env, 'security', ['-i'], line);
			if (code !== 0 || stderr.trim() !== '') throw refused('security', stderr);
		},
	};
}

interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

function run(env: NodeJS.ProcessEnv, program: string, args: readonly string[], input: string): Promise<Ended> {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, {env, stdio: 'pipe', timeout});
		let stdout = '';
		let stderr = '';
		child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
		child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
		child.stdin.on('error', () => undefined);
		child.stdin.end(input);
		child.once('close', code => resolve({code, stdout, stderr}));
		child.once('error', error => {
			const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
			const what = missing ? `${program} is not installed (on Debian: apt install libsecret-tools)` : error.message;
			reject(refused(program, what, error));
		});
	});
}

function refused(program: string, said: string, cause?: unknown): MailboxError {
	const [line = ''] = said.trim().split('\n');
	const why = line === '' ? 'unknown reason' : line.replace(/\.$/, '');
	return new MailboxError(
		'unauthorized',
		`Cannot access the keyring with the key that signs what you write (${program}: ${why}).`,
		'Unlock it and try again, or keep the key in a file: `key = "file"` under [identity] in config.toml.',
		cause === undefined ? undefined : {cause},
	);
}
