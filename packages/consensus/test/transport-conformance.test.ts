/** The transport's suite on TLS and on bare TCP. */
import { transportSuite } from '../src/conformance/transport.js';
import { insecurePlaces, tlsPlaces } from './link-place.js';

transportSuite('tls', tlsPlaces);
transportSuite('insecure', insecurePlaces);
