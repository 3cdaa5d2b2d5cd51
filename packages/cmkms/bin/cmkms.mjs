#!/usr/bin/env node
// A file that exists before the build does, so that an install can link it.
import '../dist/src/main.js';
