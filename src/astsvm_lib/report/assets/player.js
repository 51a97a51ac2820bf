// Shows the steps of a clip, or of a parameter: each panel has one image per step. Keys: space, arrows, Home, End.
(() => {
  const STILL = matchMedia("(prefers-reduced-motion: reduce)");
  function start(root) {
    root.dataset.ready = "yes";
    const { labels, images, interval, still, autoplay } = JSON.parse(root.querySelector("script").textContent);
    const part = (name) => root.querySelector(`[data-part=${name}]`);
    const [slider, output, button, speed] = ["slider", "output", "play", "speed"].map(part);
    const pictures = [...root.querySelectorAll("img")];
    let timer = 0;
    const show = (step) => {
      slider.value = step;
      slider.setAttribute("aria-valuetext", labels[step]);
      output.textContent = labels[step];
      pictures.forEach((picture, i) => { picture.src = images[i][step]; });
    };
    const at = () => Number(slider.value);
    const playing = () => timer !== 0;
    const pause = () => {
      clearTimeout(timer);
      timer = 0;
      if (button) { button.textContent = "▶"; button.setAttribute("aria-label", "Play"); }
    };
    const tick = () => {
      show((at() + 1) % labels.length);
      timer = setTimeout(tick, interval / Number(speed.value));
    };
    const play = () => {
      pause();
      button.textContent = "‖";
      button.setAttribute("aria-label", "Pause");
      timer = setTimeout(tick, interval / Number(speed.value));
    };
    const step = (by) => { pause(); show((at() + by + labels.length) % labels.length); };
    slider.addEventListener("input", () => { pause(); show(at()); });
    if (button) {
      button.addEventListener("click", () => (playing() ? pause() : play()));
      part("back").addEventListener("click", () => step(-1));
      part("next").addEventListener("click", () => step(1));
    }
    root.addEventListener("keydown", (event) => {
      if (event.target.tagName === "SELECT" || event.ctrlKey || event.metaKey || event.altKey) return;
      const actions = {
        " ": () => button && event.target.tagName !== "BUTTON" && (playing() ? pause() : play()),
        ArrowLeft: () => step(-1),
        ArrowRight: () => step(1),
        Home: () => { pause(); show(0); },
        End: () => { pause(); show(labels.length - 1); },
      };
      if (!(event.key in actions)) return;
      if (actions[event.key]() !== false) { event.preventDefault(); event.stopPropagation(); }
    });
    addEventListener("beforeprint", () => { pause(); show(still); });
    show(still);
    if (autoplay && !STILL.matches) play();
    STILL.addEventListener("change", () => STILL.matches && pause());
  }
  const all = () => document.querySelectorAll(".clip-player:not([data-ready])").forEach(start);
  all();
})();
