// Questions to the server, each with the token of the address.

const token = new URLSearchParams(window.location.search).get("token") ?? "";

function send(path, body, signal) {
  return fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-tinyinterp-token": token, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  });
}

async function refusal(response) {
  const answer = await response.json().catch(() => ({}));
  return new Error(answer.error ?? `the page was answered with ${response.status}`);
}

function unreachable(error) {
  if (error.name === "AbortError") return error;
  return error instanceof TypeError ? new Error("the server has ended; start tinyinterp explore again") : error;
}

export async function ask(path, body, signal) {
  try {
    const response = await send(path, body, signal);
    if (!response.ok) throw await refusal(response);
    return await response.json();
  } catch (error) {
    throw unreachable(error);
  }
}

// JSON lines, each as soon as it is there.
export async function* lines(path, body, signal) {
  try {
    const response = await send(path, body, signal);
    if (!response.ok) throw await refusal(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let waiting = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (waiting + value).split("\n");
      waiting = parts.pop();
      for (const part of parts) yield JSON.parse(part);
    }
  } catch (error) {
    throw unreachable(error);
  }
}

// The answer to the newest question of one kind; older ones are given up.
export function newest() {
  let running = null;
  return async (path, body) => {
    running?.abort();
    const mine = running = new AbortController();
    try {
      const answer = await ask(path, body, mine.signal);
      return mine === running ? answer : null;
    } catch (error) {
      if (error.name === "AbortError" || mine !== running) return null;
      throw error;
    }
  };
}
