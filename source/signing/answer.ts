import {
	answerStatement,
	questionDigest,
	readAnswer,
	type Answer,
	type Approval,
	type Question,
} from '../mailbox/approval.ts';
import {readSignature} from '../mailbox/signature.ts';
import {isValidSignature} from './ed25519.ts';
import {isTrusted, type Trust} from './trusted-keys.ts';

interface Asked {
	readonly request: string;
	readonly question: Question;
	readonly mailboxId: string;
	readonly trust: Trust;
}

/**
 * The answer in a row, if a human whose key is trusted gave it to exactly this request and question. Otherwise why not, as a clause:
 * whoever can write to the database can write any answer.
 */
export async function checkAnswer(
	{answer: text, signature: given, decided_by: tag}: Pick<Approval, 'answer' | 'signature' | 'decided_by'>,
	{request, question, mailboxId, trust}: Asked,
): Promise<Answer | string> {
	const signature = readSignature(given ?? undefined);
	if (text === null || tag === null || signature === null) return 'the answer is not signed';
	const statement = {...answerStatement(request, text), mailbox_id: mailboxId, tag};
	if (!isValidSignature(signature, statement)) return 'the signature does not match the answer';
	if (!isTrusted(trust, signature.key, tag)) return `the key of ${tag} is not trusted here`;
	const answer = readAnswer(text);
	if (answer === null) return 'the answer cannot be read';
	return answer.question === (await questionDigest(question)) ? answer : 'the answer is to another input';
}
