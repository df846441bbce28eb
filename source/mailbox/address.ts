/**
 * Why a text cannot be the address of a Supabase, to go on from "SUPABASE_URL"; null: it can. The text is not repeated:
 * what was meant for another setting may be a password. Credentials in an address are of no use, since Supabase wants its own
 * in the header in which they would be sent, and would show up wherever an address is shown.
 */
export function addressFault(text: string): string | null {
	const url = URL.parse(text);
	if (url === null || !/^https?:$/.test(url.protocol)) return 'is not a web address';
	if (url.username !== '' || url.password !== '') return 'has a user or a password in it';
	return /[?#]/.test(text) ? 'goes on after its path, with ? or #' : null;
}
