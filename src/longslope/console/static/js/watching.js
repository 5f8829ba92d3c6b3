// Looking again every two seconds, while there is something to wait for and the page can be seen.

const EVERY_MS = 2000;

/**
 * Makes a watch that calls `look` until it resolves to false; a hidden page rests until it is seen again. Gives the
 * function that says whether there is something to wait for. A platform that does not answer is asked again.
 */
export function watch(look) {
  let timer = null;
  let isWaiting = false;

  async function again() {
    try {
      isWaiting = await look();
    } catch (error) {
      if (!("status" in error)) throw error; // a fault of the console: end here and leave its trace in the log
    }
    plan();
  }

  function plan(after = EVERY_MS) {
    clearTimeout(timer);
    if (isWaiting && !document.hidden) timer = setTimeout(again, after);
  }

  document.addEventListener("visibilitychange", () => plan(0));
  return (waits) => {
    isWaiting = waits;
    plan();
  };
}
