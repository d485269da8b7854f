// Requests to the API, with the token where there is one.

const KEY = "trio-balancer-token";

/** Keep a token until this tab is closed. */
export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

/** What every request carries. */
export function headers() {
  const token = sessionStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Get JSON; throws an Error with a sentence. */
export async function get(path) {
  return answer(fetch(path, { headers: headers(), cache: "no-store" }));
}

/** Ask for a change; throws an Error with a sentence. */
export async function post(path, body = {}) {
  return answer(fetch(path, {
    method: "POST",
    headers: { ...headers(), "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }));
}

async function answer(asked) {
  let response;
  try {
    response = await asked;
  } catch {
    throw new Error("The balancer cannot be reached.");
  }
  const told = await response.json();
  if (!response.ok) throw new Error(told.error.message);
  return told;
}
