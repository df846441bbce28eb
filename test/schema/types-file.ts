/** What `supabase gen types` makes of the migrations. */
export const typesFile = new URL('../../source/gateway/link/database.types.ts', import.meta.url);
