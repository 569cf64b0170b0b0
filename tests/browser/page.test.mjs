// All of it in one process, so that one browser is started.
import "./life.mjs";
import "./keyboard.mjs";
import "./states.mjs";
import "./again.mjs";
import "./hostile.mjs";
import "./zones.mjs";
import "./weight.mjs";
