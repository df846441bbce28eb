import {createHmac} from 'node:crypto';
import {signToken} from '../../source/hub/tokens/token.ts';

/** Signs the tokens of every engine. */
export const jwtSecret = 'a secret of the conformance script, 32 characters or more';

const now = Math.floor(Date.now() / 1000);
const token = (claims: {readonly [claim: string]: unknown}): string =>
	signToken(jwtSecret, {iss: 'supabase', iat: now, exp: now + 3600, ...claims});
const service = token({role: 'service_role'});
const [head = '', body = '', tail = ''] = service.split('.');
const json = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** By the name that a case gives its caller. */
const tokens: {readonly [caller: string]: string} = {
	service_role: service,
	anon: token({role: 'anon'}),
	ann: token({role: 'authenticated', sub: 'ann'}),
	bob: token({role: 'authenticated', sub: 'bob'}),
	expired: token({role: 'service_role', exp: now - 3600}),
	future: token({role: 'service_role', nbf: now + 3600}),
	forged: `${head}.${body}.${createHmac('sha256', 'another secret').update(`${head}.${body}`).digest('base64url')}`,
	malformed: `${head}.${tail}`,
	unsigned: `${json({alg: 'none', typ: 'JWT'})}.${body}.`,
};

/** The two headers with which supabase-js introduces a caller: the key of the project and the caller's own token. */
export function callerHeaders(name: string): {readonly [header: string]: string} {
	const bearer = tokens[name];
	if (bearer === undefined) throw new Error(`No caller is called ${name}.`);
	return {apikey: tokens['anon'] ?? '', authorization: `Bearer ${bearer}`};
}
