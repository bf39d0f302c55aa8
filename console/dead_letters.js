// What waits in the dead-letter queues, and sending it again, with progress while there is something left.

import { get, post } from "./api.js";
import { badge, fill, h, table } from "./dom.js";
import { confirmed, say, working } from "./feedback.js";
import { count, time } from "./format.js";

const MOST_CALLS = 200;
const NAMES = {
  count: "Events to be counted",
  archive: "Events to be archived",
  "count-subscription": "Events on their way to be counted",
  "archive-subscription": "Events on their way to the archive",
};

export async function view() {
  const place = h("div", { class: "stack" });
  const progress = h("div", { role: "status" });
  const button = h("button", { type: "button", class: "primary" }, "Replay all");
  const draw = async () => {
    const { queues } = await get("/events/dead-letters");
    const waiting = queues.filter((each) => each.waiting || each.sample.length);
    button.hidden = !waiting.length;
    fill(place, waiting.length ? waiting.map(queue)
      : h("section", { class: "card" }, h("h2", {}, "Nothing is waiting"),
        h("p", { class: "soft" }, "Every message was processed.")));
  };
  await draw();
  button.addEventListener("click", async () => {
    if (!(await confirmed("Replay the dead letters?",
          "They go back to their queues and are counted once, however often they are sent. Find out first why they failed.", "Replay"))) return;
    await working(button, progress, () => replay(progress));
    await draw();
  });
  const element = h("div", { class: "stack" },
    h("div", { class: "row apart" }, h("h1", { tabindex: -1 }, "Dead letters"),
      h("div", { class: "row close" }, h("button", { type: "button", onclick: draw }, "Refresh"), button)),
    h("p", { class: "soft" },
      "Messages that could not be processed after several tries. Nothing here is lost: it is kept for 14 days."),
    progress, place);
  return { title: "Dead letters", element };
}

async function replay(progress) {
  let moved = 0;
  for (let calls = 0; calls < MOST_CALLS; calls += 1) {
    const answer = await post("/events/dead-letters/replay", {});
    moved += answer.moved;
    fill(progress, h("p", {}, `${count(moved)} sent, about ${count(answer.left)} left.`),
      h("progress", { max: moved + answer.left || 1, value: moved, "aria-label": "Replayed messages" }));
    if (!answer.moved || answer.queues.every((each) => each.drained)) break;
  }
  say(`${count(moved)} messages were sent again.`);
}

function queue(each) {
  const age = each.oldest_age_seconds === null ? ""
    : `, the oldest for ${Math.round(each.oldest_age_seconds / 60)} min`;
  return h("section", { class: "card" },
    h("div", { class: "row headed" }, h("h2", {}, NAMES[each.queue] ?? each.queue),
      badge(each.waiting ? `${count(each.waiting)} waiting` : "empty", each.waiting ? "bad" : "good"),
      h("span", { class: "small soft" }, each.waiting ? age.slice(2) : "")),
    each.sample.length ? table(`Some messages of ${each.queue}`, [
      { title: "Message", cell: (letter) => h("code", { class: "small" }, letter.message_id) },
      { title: "Sent", cell: (letter) => time(letter.sent_at) },
      { title: "Events", number: true,
        cell: (letter) => (letter.events === null ? "unreadable" : count(letter.events)) },
      { title: "Exposures", number: true,
        cell: (letter) => (letter.exposures === null ? "unreadable" : count(letter.exposures)) },
      { title: "Types", cell: (letter) => letter.types.join(", ") },
    ], each.sample, { hideCaption: true }) : null);
}
