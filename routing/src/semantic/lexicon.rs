//! Everyday words by subject: match a sentence to its topic although it shares no word with the examples.
//!
//! One line is one subject; a word may belong to several. Words are compared by stem, so one form suffices. Adding a
//! subject or word changes similarities slightly for everyone: measure with `tests/semantic.rs`.

/// Space-separated words of each subject.
#[rustfmt::skip]
pub(super) static SUBJECTS: &[&str] = &[
    // Programming
    "code program programming programmer software function method class object variable constant loop array string integer boolean pointer struct enum interface generic module package library framework import compile compiler build debug debugger bug error exception stack trace crash segfault segmentation memory leak null undefined type typecast lint refactor recursion recursive algorithm data structure thread threading async await promise callback closure lambda iterator regex parse parser serialize json xml yaml csv api endpoint rest http script snippet implement implementation syntax unit test tests mock assert pytest junit coverage commit merge rebase branch pull request git github gitlab repository repo readme docstring comment ide vscode editor shell bash terminal command cli stdin stdout file folder directory path encode decode hash binary tree graph queue heap list dict dictionary tuple map set sort sorting quicksort search complexity optimise optimize performance cache handler component props state hook render dom css html frontend backend web server client template",
    "python java javascript typescript rust golang kotlin swift swiftui scala ruby php perl haskell lisp scheme clojure erlang elixir csharp cpp fortran cobol matlab julia lua dart flutter react vue angular svelte node nodejs npm cargo pip maven gradle django flask rails spring numpy pandas pytorch tensorflow powershell webpack sass tailwind",
    "database sql query queries table row column index join select insert update schema migration transaction postgres postgresql mysql sqlite oracle mongodb redis key value orm primary foreign nosql warehouse bigquery snowflake",
    "docker dockerfile kubernetes container image pod helm terraform ansible ci cd pipeline workflow actions deploy deployment release rollback cloud aws azure gcp lambda vm cluster node load balancer monitoring metrics logs alert grafana prometheus nginx proxy dns linux ubuntu unix cron backup",
    "network wifi router modem ethernet vpn firewall ip laptop computer desktop pc mac windows macos printer scanner keyboard mouse monitor screen bluetooth usb driver reboot restart install installation update device phone smartphone iphone android tablet battery charger app crash freeze slow",
    "security vulnerability exploit attack attacker hacker malware virus phishing encryption encrypt cipher tls ssl certificate token authentication authorization permission password secret breach threat penetration audit firewall ransomware",
    "machine learning model neural network training dataset embedding transformer prompt inference classifier regression clustering overfitting gradient epoch llm gpt chatbot ai artificial intelligence deep",
    // Mathematics and science
    "math mathematics arithmetic calculate calculation compute sum add plus minus subtract multiply times divide division product quotient fraction decimal percent percentage ratio proportion equation equations solve algebra polynomial quadratic linear root roots square cube power exponent logarithm log factor factorial prime integer number numbers digit even odd sequence series limit derivative differentiate differential integral integrate calculus theorem lemma proof prove induction irrational infinity infinite matrix determinant eigenvalue eigenvector vector vectors scalar simplify evaluate formula divisor denominator numerator modulo x y z n",
    "geometry triangle circle square rectangle polygon diagonal angle degree radius diameter circumference area perimeter volume cone sphere cylinder pyramid cube parallel perpendicular slope line point plane coordinate pythagoras hypotenuse sine cosine tangent sin cos tan",
    "probability statistics statistical mean average median mode variance deviation standard correlation coefficient distribution normal random variable sample population confidence interval hypothesis significance expected likely odds chance dice die coin card cards deck draw permutation combination arrange bayes estimate outlier quantile",
    "physics force energy mass velocity speed acceleration momentum gravity quantum particle atom electron photon wave frequency magnetic electric charge current voltage resistance thermodynamics heat temperature pressure relativity light optics nuclear",
    "chemistry chemical molecule compound reaction acid base element periodic oxygen hydrogen carbon bond ion catalyst solution organic",
    "biology cell gene dna protein species evolution organism bacteria plant animal ecosystem photosynthesis enzyme chromosome",
    "astronomy space planet star moon sun galaxy universe telescope rocket astronaut orbit nasa mars comet",
    // Languages
    "translate translation translator language languages native speaker foreign word phrase sentence meaning mean means pronounce pronunciation accent grammar plural singular verb noun adjective tense idiom proverb literal literally equivalent dictionary vocabulary fluent bilingual dialect spelling subtitle subtitles localise localize localization interpret interpreter render",
    "english french german spanish italian portuguese dutch swedish norwegian danish finnish icelandic polish czech slovak hungarian romanian bulgarian serbian croatian greek turkish russian ukrainian arabic hebrew persian farsi hindi urdu bengali tamil chinese mandarin cantonese japanese korean vietnamese thai indonesian malay swahili latin welsh irish gaelic catalan basque esperanto kanji hiragana cyrillic",
    "france germany spain italy portugal brazil mexico argentina netherlands belgium sweden norway denmark finland poland russia ukraine turkey greece egypt israel india china japan korea vietnam thailand indonesia australia canada switzerland austria ireland scotland wales europe asia africa america",
    // Law
    "law laws legal legally lawful illegal lawyer attorney solicitor counsel court judge jury trial lawsuit sue sued litigation dispute claim plaintiff defendant verdict ruling appeal supreme jurisdiction statute regulation regulator regulatory legislation compliance comply penalty fine rights right evidence witness testimony arbitration mediation damages limitation limitations crime criminal guilty",
    "contract contracts agreement clause clauses terms party parties binding breach obligation obligations liability liable indemnify indemnification indemnity warranty warranties termination terminate notice confidentiality confidential disclosure disclose nda sign signature enforceable force majeure supplier vendor contractor undertaking lease landlord tenant rent deposit purchase amendment void valid will testament inheritance heir attorney",
    "privacy gdpr consent data protection processing personal cookie cookies policy controller retention retain ccpa hipaa",
    "patent trademark copyright licence license licensing gpl intellectual property infringement royalty invention registered open source cease desist",
    "company shareholder shareholders merger acquisition board director incorporation corporate governance filing annual accounts antitrust bankruptcy insolvency subsidiary audit",
    "employment employer employee labour labor dismissal fired resignation notice overtime wage union competitor compete discrimination harassment maternity",
    // Trade and support
    "order orders ordered purchase purchased buy bought shop shopping store checkout cart product item items size colour color stock available discount coupon voucher gift card sale price cheap exchange return returns returned refund refunds money replacement damaged broken defective wrong missing mistake warranty guarantee customer service complaint",
    "delivery deliver delivered shipping ship shipment shipped package parcel courier tracking track address arrive arrived late delayed post postal warehouse neighbour customs freight",
    "account accounts login log password username profile register registration verify verification confirmation email code factor locked blocked reset forgot delete deactivate settings website portal user",
    "invoice invoices bill billing charge charged payment pay paid pending receipt receipts credit debit card declined bank transfer fee fees subscription subscribe unsubscribe plan premium upgrade downgrade cancel cancellation renew renewal trial membership paypal vat",
    "support help agent helpdesk ticket contact hotline opening hours complaint problem issue assistance representative",
    // Writing
    "story stories tale tales novel fiction fictional plot twist character characters hero heroine villain protagonist scene chapter narrative narrator dialogue monologue myth legend fairy fantasy dragon dragons wizard castle pirate detective mystery thriller romance adventure bedtime diary biography play drama actress actor screenplay ending haunted ghost",
    "poem poems poet poetry verse verses rhyme rhymes sonnet haiku limerick ballad ode lyrics song stanza metaphor riddle",
    "write writing writer author draft compose composition rewrite rephrase paraphrase essay article blog paragraph letter speech toast eulogy tone style vivid formal informal playful engaging exciting catchy polish edit proofread creative inspire imagine invent brainstorm describe title headline caption introduction conclusion narrate",
    "marketing slogan slogans tagline brand branding advertisement advert ad campaign copywriting newsletter press launch announce announcement announcing audience instagram twitter tweet facebook linkedin tiktok post hashtag seo promotion pitch landing flyer brochure",
    "birthday wedding anniversary retirement party farewell funeral christmas celebration congratulations grandfather grandmother sister brother bride groom beloved friend friends friendship love",
    "summarise summarize summary shorten condense bullet key points abstract overview outline notes minutes tldr recap",
    // Health
    "health doctor physician nurse hospital clinic patient symptom symptoms pain ache headache fever cough cold flu infection disease illness diagnosis diagnose treatment therapy medicine medication drug dose tablet pill vaccine allergy asthma diabetes cancer blood pressure heart lung stomach skin rash injury wound surgery pregnancy pregnant",
    "mental stress anxiety depression therapy therapist sleep insomnia burnout mood emotion feeling lonely mindfulness meditation",
    "fitness exercise workout gym muscle weight diet calories protein vitamin nutrition yoga running jogging strength training",
    // Money and work
    "finance financial invest investment investor stock stocks share bond fund portfolio dividend interest loan mortgage debt credit savings retirement pension inflation currency exchange crypto bitcoin tax taxes accounting budget profit loss revenue cost capital balance sheet cash flow forecast quarterly earnings",
    "insurance insure policy premium claim coverage insured deductible accident",
    "job career resume cv cover interview hire hiring recruit recruiter salary promotion manager colleague team office remote candidate application applicant vacancy onboarding performance appraisal",
    "business startup strategy market competitor customer sales lead negotiation negotiate stakeholder proposal presentation slide slides pitch okr kpi roadmap product owner project milestone deadline budget",
    "meeting calendar schedule appointment agenda reminder reschedule invite attendee timezone conference zoom slot availability",
    "email mail inbox reply subject attachment forward sender recipient cc newsletter spam message",
    "spreadsheet excel sheet cell pivot chart graph plot dashboard report analysis analyse analyze data trend visualisation visualization csv google sheets",
    // Life
    "travel trip holiday vacation flight airline airport hotel hostel booking reservation passport visa itinerary luggage tourist sightseeing beach cruise train bus ticket tour guide destination",
    "food cook cooking recipe ingredient ingredients bake baking oven dish meal dinner lunch breakfast soup salad cake bread pasta rice chicken beef vegetable vegetarian vegan spice restaurant menu kitchen wine coffee tea",
    "house home apartment flat rent estate property mortgage furniture kitchen bathroom bedroom renovation paint plumbing repair roof heating cleaning garden gardening plant plants lawn soil",
    "car vehicle engine motor brake tyre tire driving drive driver fuel petrol diesel electric garage mechanic traffic road bicycle bike motorcycle",
    "weather rain snow sunny cloud wind storm temperature forecast climate degrees humidity",
    "sport sports football soccer basketball tennis golf cricket hockey match game team player coach league score goal tournament olympic champion",
    "music song album band guitar piano violin drum concert melody chord playlist singer orchestra composer",
    "film movie cinema series episode actor director streaming netflix television tv show documentary",
    "game gaming videogame console playstation xbox nintendo minecraft level quest multiplayer chess puzzle quiz",
    "pet dog cat puppy kitten bird fish horse vet veterinarian animal feed breed",
    "child children kids baby toddler parent parents mother father family school teacher parenting homework",
    "school university college student students professor course lecture lesson exam essay assignment homework study studying learn learning teach degree thesis grade curriculum",
    "history historical century war king queen empire ancient medieval revolution president battle civilization dynasty",
    "politics political government election vote party parliament senate minister democracy policy president congress",
    "religion church god bible prayer faith islam christian jewish buddhist temple mosque philosophy philosopher ethics moral",
    "geography country capital city river mountain ocean island continent population map border region",
    "art painting draw drawing sketch design designer logo illustration photo photography photograph picture image gallery museum sculpture colour font layout",
    "environment climate sustainability carbon emission recycling renewable solar energy pollution wildlife forest",
];

/// Words that are not specific to a subject.
#[rustfmt::skip]
pub(super) static STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "another", "any", "are", "as", "at", "be", "because", "been", "before", "between", "but", "by",
    "can", "could", "did", "do", "does", "done", "for", "from", "get", "getting", "give", "got", "had", "has", "have", "having", "he", "help", "her", "here",
    "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "keep", "let", "like", "make", "many", "may", "me", "more", "most", "much", "must", "my",
    "need", "no", "not", "now", "of", "on", "one", "or", "other", "our", "out", "over", "own", "please", "s", "say", "she", "should", "show", "so", "some",
    "such", "t", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "too", "two", "up", "us", "use",
    "using", "very", "want", "was", "way", "we", "were", "what", "when", "where", "which", "while", "who", "why", "will", "with", "without", "would", "you",
    "your",
];
