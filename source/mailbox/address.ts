/**
 * Why a text cannot be the address of a Supabase, as a continuation of "SUPABASE_URL"; null if it can. The text is not quoted, since
 * it may be a password that was put into the wrong setting. Credentials in the address are refused: they would conflict with
 * Supabase's own header, and show up wherever the address is shown.
 */
export function addressFault(text: string): string | null {
	const url = URL.parse(text);
	if (url === null || !/^https?:$/.test(url.protocol)) return 'is not a web address';
	if (url.username !== '' || url.password !== '') return 'contains a user or a password';
	return /[?#]/.test(text) ? 'contains ? or #' : null;
}
