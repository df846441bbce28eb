import {mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {signedBytes, type Statement, type StatementKind} from '../../source/mailbox/signature.ts';
import {isValidSignature, makeKeyPair, signStatement} from '../../source/signing/ed25519.ts';
import {humanKey, renewKey} from '../../source/signing/human-key.ts';
import {publicFile, secretFile} from '../../source/signing/key-folder.ts';
import {forgetKey, isTrusted, readTrust, trustKey} from '../../source/signing/trusted-keys.ts';
import {createVerifier, type Signable} from '../../source/signing/verifier.ts';

let data: string;
beforeEach(() => {
	data = mkdtempSync(join(tmpdir(), 'agentmux-keys-'));
});
afterEach(() => rmSync(data, {recursive: true, force: true}));

const mailbox = '2e9b1f6e-1111-4222-8333-444455556666';
const statement: Statement = {
	kind: 'message',
	mailbox_id: mailbox,
	subject: '0f5e2a10-0000-4000-8000-000000000001',
	tag: 'HUMAN',
	content: '[HUMAN] deploy it 🚀',
	reply_to: 12,
};

describe('what is signed', () => {
	test('is written as docs/signatures.md says', () => {
		expect(new TextDecoder().decode(signedBytes({...statement, content: '[HUMAN] né'}, 'n'.repeat(22)))).toBe(
			`21:agentmux-signature-v1,7:message,36:${mailbox},36:${statement.subject},5:HUMAN,11:[HUMAN] né,2:12,22:${'n'.repeat(22)},`,
		);
	});

	test('differs for different statements', () => {
		const text = fc.string({unit: 'grapheme', maxLength: 8});
		const any = fc.record({
			kind: fc.constantFrom<StatementKind>('message', 'approval', 'redaction'),
			mailbox_id: fc.constantFrom('a', 'b'),
			subject: fc.constantFrom('1', '2,', '1,1:'),
			tag: fc.constantFrom('A', 'B'),
			content: text,
			reply_to: fc.option(fc.nat(30)),
		});
		const decode = (one: Statement) => new TextDecoder().decode(signedBytes(one, 'n'));
		fc.assert(
			fc.property(any, any, (one, two) => {
				expect(decode(one) === decode(two)).toBe(JSON.stringify(one) === JSON.stringify(two));
			}),
		);
	});

	test.each<[keyof Statement, Partial<Statement>]>([
		['kind', {kind: 'approval'}],
		['mailbox_id', {mailbox_id: '2e9b1f6e-1111-4222-8333-444455556667'}],
		['subject', {subject: '0f5e2a10-0000-4000-8000-000000000002'}],
		['tag', {tag: 'CLAUDE_1'}],
		['content', {content: '[HUMAN] deploy it 🚀 now'}],
		['reply_to', {reply_to: null}],
	])('is not valid for another %s', (_, other) => {
		const signature = signStatement(makeKeyPair(), statement);
		expect(isValidSignature(signature, statement)).toBe(true);
		expect(isValidSignature(signature, {...statement, ...other})).toBe(false);
	});

	test('is not valid with another nonce, key or signature, and signing twice gives two signatures', () => {
		const pair = makeKeyPair();
		const [one, two] = [signStatement(pair, statement), signStatement(pair, statement)];
		expect(one.sig).not.toBe(two.sig);
		expect(isValidSignature({...one, nonce: two.nonce}, statement)).toBe(false);
		expect(isValidSignature({...one, sig: two.sig}, statement)).toBe(false);
		expect(isValidSignature({...one, key: makeKeyPair().x}, statement)).toBe(false);
		expect(isValidSignature({...one, key: 'A'.repeat(43)}, statement)).toBe(false);
	});
});

const row = (signature: unknown, other: Partial<Signable> = {}): Signable => ({
	id: 1,
	body: 'a message',
	client_id: statement.subject,
	tag: 'HUMAN',
	author_tag: 'HUMAN',
	content: statement.content,
	reply_to: 12,
	meta: signature === undefined ? {} : {signature: JSON.parse(JSON.stringify(signature))},
	...other,
});

describe('a redacted row', () => {
	const redacted = (signature: unknown, other: object = {}, body = '(redacted)'): Signable => {
		const redaction = {by: 'HUMAN', kind: 'human', verified: true, reason: 'a secret', signature, ...other};
		return row(undefined, {
			id: 12,
			body,
			tag: 'A',
			author_tag: 'A',
			meta: {redaction: JSON.parse(JSON.stringify(redaction))},
		});
	};

	test('is verified by who redacted it, which message, and why', async () => {
		const own = await humanKey({data, keyring: null});
		const verify = createVerifier(data);
		const words = {
			kind: 'redaction',
			mailbox_id: mailbox,
			subject: '12',
			tag: 'HUMAN',
			content: 'a secret',
			reply_to: null,
		} as const;
		const signature = signStatement(own, words);
		expect(verify(redacted(signature), mailbox)).toBe(true);
		expect(verify(redacted(null), mailbox)).toBe(false);
		expect(verify(redacted(signStatement(makeKeyPair(), words)), mailbox)).toBe('unknown key');
		for (const other of [{by: 'ANNA'}, {by: null}, {reason: 'another'}]) {
			expect(verify(redacted(signature, other), mailbox)).toBe('invalid');
		}
		expect(verify({...redacted(signature), id: 13}, mailbox)).toBe('invalid');
		// What says more than a redacted message can is none, and signed by nobody.
		expect(verify(redacted(signature, {}, 'rm -rf, says HUMAN'), mailbox)).toBe(false);
	});
});

describe('a row', () => {
	test("is valid with the key of this home, and with another's only for its tag", async () => {
		const own = await humanKey({data, keyring: null});
		const verify = createVerifier(data);
		expect(verify(row(signStatement(own, statement)), mailbox)).toBe(true);
		expect(verify(row(undefined), mailbox)).toBe(false);
		const anna = makeKeyPair();
		const hers = signStatement(anna, {...statement, tag: 'ANNA'});
		expect(verify(row(hers, {author_tag: 'ANNA'}), mailbox)).toBe('unknown key');
		trustKey(data, anna.x, 'anna', new Date());
		expect(createVerifier(data)(row(hers, {author_tag: 'ANNA'}), mailbox)).toBe(true);
		expect(createVerifier(data)(row(signStatement(anna, statement)), mailbox)).toBe('unknown key');
		forgetKey(data, anna.x);
		expect(createVerifier(data)(row(hers, {author_tag: 'ANNA'}), mailbox)).toBe('unknown key');
	});

	test('with anything else in the place of a signature is invalid', async () => {
		const good = signStatement(await humanKey({data, keyring: null}), statement);
		const verify = createVerifier(data);
		for (const bad of [
			1,
			'x',
			[],
			{},
			{...good, v: 2},
			{...good, sig: 7},
			{...good, sig: `${good.sig}A`},
			{...good, nonce: ''},
		]) {
			expect(verify(row(bad), mailbox)).toBe('invalid');
		}
		expect(verify(row(good, {client_id: null}), mailbox)).toBe('invalid');
		expect(verify(row(good), '00000000-0000-0000-0000-000000000000')).toBe('invalid');
	});
});

describe('the key of a home', () => {
	test('is created once, for this user only, however many ask at the same time', async () => {
		const pairs = await Promise.all(Array.from({length: 8}, () => humanKey({data, keyring: null})));
		expect(new Set(pairs.map(({x}) => x)).size).toBe(1);
		expect(statSync(secretFile(data)).mode & 0o777).toBe(0o600);
		expect(readFileSync(publicFile(data), 'utf8')).toBe(`${pairs[0]?.x}\n`);
	});

	test('that is missing is reported, and another one is created only on request; the previous one stays trusted', async () => {
		const store = {data, keyring: null};
		const {x} = await humanKey(store);
		rmSync(secretFile(data));
		await expect(humanKey(store)).rejects.toThrow(/is missing from/);
		const next = await renewKey(store, 'HUMAN', new Date());
		expect(next.x).not.toBe(x);
		expect(isTrusted(readTrust(data), x, 'HUMAN')).toBe(true);
		expect((await humanKey(store)).x).toBe(next.x);
	});

	test('is not read through a link or from a folder, and a damaged one is reported', async () => {
		const elsewhere = join(data, 'elsewhere.json');
		writeFileSync(elsewhere, JSON.stringify(makeKeyPair()));
		symlinkSync(elsewhere, secretFile(data));
		await expect(humanKey({data, keyring: null})).rejects.toThrow(/symbolic link/);
		rmSync(secretFile(data));
		mkdirSync(secretFile(data));
		await expect(humanKey({data, keyring: null})).rejects.toThrow(/it is a folder/);
		rmSync(secretFile(data), {recursive: true});
		const [one, two] = [makeKeyPair(), makeKeyPair()];
		for (const bad of ['', '{', '{}', JSON.stringify({x: one.x, d: two.d})]) {
			writeFileSync(secretFile(data), bad);
			await expect(humanKey({data, keyring: null})).rejects.toThrow(/damaged/);
		}
	});
});
